import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { QuantCacheError } from '../errors.ts';
import { decode, encode } from './format.ts';
import { readBytes, readHeader, readTensor, type TensorSource, writeSafetensors } from './safetensors.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantcache-safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Written by the Python library. */
const golden = 'test/fixtures/golden/t5_encoder.safetensors';

/** A file with the given header, and `dataLength` zero bytes. */
function fileWith(header: unknown, dataLength: number): string {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  return fileOf(Buffer.concat([prefix, json, Buffer.alloc(dataLength)]));
}

let count = 0;
function fileOf(bytes: Uint8Array): string {
  const path = join(folder, `bad-${count++}.safetensors`);
  writeFileSync(path, bytes);
  return path;
}

const f32 = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

describe('reading', () => {
  it('reads a file of the Python library: places, shapes, values', async () => {
    const header = await readHeader(golden);
    const tensor = header.tensors.get('weights/encoder.block.0.layer.0.SelfAttention.k.weight')!;
    expect(tensor).toMatchObject({ dtype: 'F32', shape: [32, 32], length: 4096 });
    const whole = readFileSync(golden);
    expect(tensor.offset).toBe(header.dataStart + 115200);
    const values = await readTensor(golden, tensor);
    expect(values.length).toBe(1024);
    expect(values[1023]).toBe(whole.readFloatLE(tensor.offset + 4092));
    expect(Buffer.from(await readBytes(golden, tensor))).toEqual(whole.subarray(tensor.offset, tensor.offset + 4096));
    expect([...decode(whole).tensors.keys()]).toEqual([...header.tensors.keys()]);
  });

  const scalar = Float32Array.of(7);
  it.each([
    ['F32', Float32Array.of(1.5, -2)],
    ['F64', Float64Array.of(1.5, -2)],
    ['F16', Uint16Array.of(0x3e00, 0xc000)],
    ['BF16', Uint16Array.of(0x3fc0, 0xc000)],
  ] as const)('reads %s as float32', (dtype, data) => {
    expect([...decode(encode([{ name: 'x', dtype, shape: [2], data }])).float32('x')]).toEqual([1.5, -2]);
  });
  it.each([
    ['I64', BigInt64Array.of(-3n, 4n)],
    ['I32', Int32Array.of(-3, 4)],
    ['I16', Int16Array.of(-3, 4)],
    ['I8', Int8Array.of(-3, 4)],
  ] as const)('reads %s as float32', (dtype, data) => {
    expect([...decode(encode([{ name: 'x', dtype, shape: [2], data }])).float32('x')]).toEqual([-3, 4]);
  });
  it('reads scalars, empty tensors, BOOL, and data that is not aligned', () => {
    const bytes = encode([
      { name: 'scalar', dtype: 'F32', shape: [], data: scalar },
      { name: 'empty', dtype: 'F32', shape: [0, 4], data: new Float32Array(0) },
      { name: 'flags', dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) },
    ]);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    const file = decode(shifted.subarray(1));
    expect([...file.float32('scalar')]).toEqual([7]);
    expect([...file.float32('empty')]).toEqual([]);
    expect([...file.float32('flags')]).toEqual([1, 0, 1]);
  });
  it('refuses numbers of a type it cannot read, but gives its place', () => {
    const file = decode(encode([{ name: 'x', dtype: 'F8_E4M3', shape: [2], data: Uint8Array.of(1, 2) }]));
    expect(file.tensors.get('x')).toMatchObject({ dtype: 'F8_E4M3', length: 2 });
    expect(() => file.float32('x')).toThrow(/F8_E4M3.*F32, F16/);
  });
});

describe('bad files', () => {
  const whole = readFileSync(golden);
  const hugeHeader = Buffer.alloc(64, 0xff);
  const cases: [string, string, RegExp][] = [
    ['an empty file', fileOf(Buffer.alloc(0)), /has 0 bytes/],
    ['a truncated file', fileOf(whole.subarray(0, whole.length - 100)), /: 100 are missing/],
    ['a file cut in its header', fileOf(whole.subarray(0, 500)), /header needs \d+ bytes, but the file has 500/],
    ['bytes at the end', fileOf(Buffer.concat([whole, Buffer.alloc(3)])), /3 bytes after the last tensor/],
    ['an absurd header length', fileOf(hugeHeader), /claims .* at most 100000000/],
    ['a zip (PyTorch) file', fileOf(Buffer.concat([Buffer.from('PK\x03\x04\x00\x00\x08\x08'), whole])), /claims/],
    ['a Git LFS pointer', fileOf(Buffer.from('version https://git-lfs.github.com/spec/v1\n')), /git lfs pull/],
    ['broken JSON', fileWith('{"x": {', 0), /not JSON/],
    ['a JSON list', fileWith('[]', 0), /not an object/],
    ['a negative size', fileWith({ x: f32([-1], 0, 4) }, 4), /"x" has shape \[-1\]/],
    ['no offsets', fileWith({ x: { dtype: 'F32', shape: [1] } }, 4), /"x" has no data_offsets/],
    ['reversed offsets', fileWith({ x: f32([1], 4, 0) }, 4), /"x" has data_offsets \[4,0\]/],
    ['a wrong length', fileWith({ x: f32([3], 0, 8) }, 8), /"x": F32 \[3\] needs 12 bytes, but 8 are given/],
    ['an overlap', fileWith({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), /"b" overlaps "a"/],
    ['a gap', fileWith({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /4 bytes between "a" and "b"/],
    ['offsets out of the file', fileWith({ a: f32([4], 0, 16) }, 8), /: 8 are missing/],
    ['metadata that is no text', fileWith({ __metadata__: { a: 1 } }, 0), /__metadata__/],
    [
      'a tensor twice',
      fileWith(`{"x":${JSON.stringify(f32([1], 0, 4))},"\\u0078":${JSON.stringify(f32([1], 0, 4))}}`, 4),
      /"x" twice/,
    ],
    [
      'a field twice',
      fileWith('{"x":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}', 4),
      /"dtype" twice/,
    ],
    ['a byte order mark', fileWith('\ufeff{}', 0), /not JSON/],
  ];
  it.each(cases)('%s', async (_, path, message) => {
    await expect(readHeader(path)).rejects.toMatchObject({
      code: 'corrupt_file',
      message: expect.stringMatching(message),
    });
    await expect(readHeader(path)).rejects.toThrow(path);
  });

  it('but not metadata that is null, nor names that only look equal', async () => {
    const path = fileWith(
      { __metadata__: null, '{"a":1,"a"': f32([1], 0, 4), a: f32([1], 4, 8), 'a\\': f32([0], 8, 8) },
      8,
    );
    const header = await readHeader(path);
    expect(header.metadata).toEqual({});
    expect([...header.tensors.keys()].sort()).toEqual(['a', 'a\\', '{"a":1,"a"']);
  });

  it('an unknown type', async () => {
    const path = fileWith({ x: { dtype: 'F4', shape: [2], data_offsets: [0, 1] } }, 1);
    const message = expect.stringMatching(/"x".*type "F4"; supported are .*BF16/);
    await expect(readHeader(path)).rejects.toMatchObject({ code: 'unsupported_format', message });
  });

  it('a file or folder that is not there, or not a file', async () => {
    await expect(readHeader(join(folder, 'none'))).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(readHeader(folder)).rejects.toMatchObject({ code: 'model_not_found' });
  });
});

describe('writing', () => {
  const tensors: TensorSource[] = [
    { name: 'small', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
    { name: 'big', dtype: 'F32', shape: [2, 2], data: () => Promise.resolve(Float32Array.of(1, 2, 3, 4)) },
    {
      name: 'a.streamed',
      dtype: 'I64',
      shape: [4],
      data: async function* () {
        yield BigInt64Array.of(1n, 2n);
        yield BigInt64Array.of(3n, 4n);
      },
    },
  ];

  it('writes what it reads, aligned, and the same bytes for any order', async () => {
    const [one, two] = [join(folder, 'deep', 'one.safetensors'), join(folder, 'two.safetensors')];
    await writeSafetensors(one, tensors, { format: 'pt', by: 'quantcache' });
    await writeSafetensors(two, tensors.toReversed(), { by: 'quantcache', format: 'pt' });
    expect(readFileSync(one).equals(readFileSync(two))).toBe(true);
    const header = await readHeader(one);
    expect(header.metadata).toEqual({ by: 'quantcache', format: 'pt' });
    expect(header.dataStart % 64).toBe(0);
    expect([...header.tensors.keys()]).toEqual(['a.streamed', 'big', 'small']);
    for (const tensor of header.tensors.values()) expect(tensor.offset % 4).toBe(0);
    expect([...(await readTensor(one, header.tensors.get('big')!))]).toEqual([1, 2, 3, 4]);
    expect([...(await readTensor(one, header.tensors.get('a.streamed')!))]).toEqual([1, 2, 3, 4]);
    expect([...(await readTensor(one, header.tensors.get('small')!))]).toEqual([1, 2, 3]);
  });

  it('leaves nothing behind when a tensor has the wrong length, or a name comes twice', async () => {
    const path = join(folder, 'wrong', 'x.safetensors');
    const wrong: TensorSource = { name: 'x', dtype: 'F32', shape: [3], data: Float32Array.of(1, 2) };
    const message = 'Tensor "x": F32 [3] needs 12 bytes, but 8 were given.';
    await expect(writeSafetensors(path, [wrong])).rejects.toMatchObject({ code: 'weights_mismatch', message });
    expect(readdirSync(join(folder, 'wrong'))).toEqual([]);
    await expect(writeSafetensors(path, [tensors[0]!, tensors[0]!])).rejects.toThrow('named "small"');
  });

  it('stops with the signal and leaves an earlier file as it was', async () => {
    const path = join(folder, 'kept.safetensors');
    await writeSafetensors(path, tensors.slice(0, 1));
    const before = readFileSync(path);
    const stop = new AbortController();
    const stopFirst = () => {
      stop.abort();
      return Uint8Array.of(9, 9, 9);
    };
    const stopping: TensorSource = { ...tensors[0]!, data: stopFirst };
    await expect(writeSafetensors(path, [stopping], {}, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it('names the path when the folder cannot be made', async () => {
    writeFileSync(join(folder, 'a-file'), '');
    const path = join(folder, 'a-file', 'x.safetensors');
    await expect(writeSafetensors(path, tensors)).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining(path),
    });
  });

  it.runIf(existsSync('/dev/full'))('says that the disk is full', async () => {
    const path = join(folder, 'full.safetensors');
    symlinkSync('/dev/full', path); // every write there fails as on a full disk
    const failure = {
      code: 'io',
      message: `Cannot write ${path}: the disk is full. Free some space or choose another place.`,
    };
    await expect(writeSafetensors(path, tensors)).rejects.toMatchObject(failure);
  });
});

describe('for all tensors', () => {
  const tensor = fc
    .record({ name: fc.string({ minLength: 1 }), shape: fc.array(fc.nat(3), { maxLength: 4 }) })
    .chain(({ name, shape }) => {
      const length = shape.reduce((product, size) => product * size, 1);
      const data = fc.float32Array({ minLength: length, maxLength: length });
      return data.map((data) => ({ name, dtype: 'F32' as const, shape, data }));
    });
  const tensors = fc.uniqueArray(tensor, {
    selector: ({ name }) => name,
    maxLength: 5,
  });

  it('what was encoded is what is decoded', () => {
    fc.assert(
      fc.property(tensors, (list) => {
        const decoded = decode(encode(list));
        expect([...decoded.tensors.keys()].sort()).toEqual(list.map(({ name }) => name).sort());
        for (const { name, shape, data } of list) {
          expect(decoded.tensors.get(name)!.shape).toEqual(shape);
          expect(decoded.float32(name)).toEqual(data);
        }
      }),
    );
  });

  it('a file that was cut off is refused', () => {
    fc.assert(
      fc.property(tensors, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (list, share) => {
        const bytes = encode(list);
        const cut = bytes.subarray(0, Math.floor(share * bytes.length));
        expect(() => decode(cut)).toThrow(QuantCacheError);
      }),
    );
  });
});
