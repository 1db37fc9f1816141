/** Names that a JSON text gives twice in one object. `JSON.parse` keeps the last silently, others the first. */

/** A repeated name of a text that `JSON.parse` accepts; undefined where there is none. */
export function duplicateName(json: string): string | undefined {
  const objects: Set<string>[] = [];
  let string = '';
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case '{':
        objects.push(new Set());
        break;
      case '}':
        objects.pop();
        break;
      case '"': {
        const start = i++;
        while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
        string = json.slice(start, i + 1);
        break;
      }
      case ':': {
        const name = JSON.parse(string) as string; // escapes may spell one name in several ways
        const names = objects.at(-1)!;
        if (names.has(name)) return name;
        names.add(name);
        break;
      }
    }
  }
  return undefined;
}
