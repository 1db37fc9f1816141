/** The balance of speed and quality: a profile, or a quality or a speed to aim at. */
import type { ModelCapabilities, ProfileDescription } from '../api/types.ts';
import { Segments } from '../components/segments.tsx';
import type { Aim } from '../state/draft.ts';

export interface AimProps {
  readonly aim: Aim;
  readonly can: ModelCapabilities;
  choose(aim: Aim): void;
}

/** Where targets begin where no profile was measured. */
const usual = { decibels: 35, times: 5 };

const kinds = [
  { value: 'profile', label: 'Profile' },
  { value: 'quality', label: 'Quality' },
  { value: 'speedup', label: 'Speed-up' },
] as const;

export function AimChoice({ aim, can, choose }: AimProps) {
  const kind = aim.by === 'policy' ? 'profile' : aim.by;
  const chosen = can.profiles.find(({ name }) => aim.by === 'profile' && name === aim.profile);
  return (
    <section class="field aim" aria-label="Balance">
      <header>
        <h2>Balance</h2>
        <Segments
          label="Balance by"
          options={kinds}
          value={kind}
          choose={(by) =>
            choose(
              by === 'quality'
                ? { by, decibels: Math.round(chosen?.target_quality ?? usual.decibels) }
                : by === 'speedup'
                  ? { by, times: chosen?.speedup ? Math.round(chosen.speedup) : usual.times }
                  : { by, profile: nearest(aim, can.profiles) },
            )
          }
        />
      </header>
      {kind === 'profile' && <Profiles aim={aim} can={can} choose={choose} />}
      {aim.by === 'quality' && (
        <Target
          label="aim at"
          unit="dB"
          note="Each clip spares what it can by its own estimate. 30 dB is a good likeness, above 40 hardly anyone sees a difference."
          min={20}
          max={55}
          value={aim.decibels}
          set={(decibels) => choose({ by: 'quality', decibels })}
        />
      )}
      {aim.by === 'speedup' && (
        <Target
          label="aim at"
          unit="× as fast"
          note="As many steps as that leaves time for, each where it helps most; by what calibration measured."
          min={2}
          max={10}
          value={aim.times}
          set={(times) => choose({ by: 'speedup', times })}
        />
      )}
    </section>
  );
}

/** Names that every calibrated model has; others are in a list of their own. */
const standard = ['quality', 'balanced', 'fast'];
const full: Aim = { by: 'policy', policy: 'full' };

function Profiles({ aim, can, choose }: AimProps) {
  const shown = standard.flatMap((name) => can.profiles.find((profile) => profile.name === name) ?? []);
  const others = can.profiles.filter((profile) => !shown.includes(profile));
  const options = [
    ...shown.map(({ name, quality, speedup }) => ({
      value: `profile ${name}`,
      label: name,
      hint: measuredOf(quality, speedup, '\n'),
      aim: { by: 'profile', profile: name } as Aim,
    })),
    { value: 'policy full', label: 'full', hint: '1×\neverything', aim: full },
  ];
  const value = aim.by === 'profile' ? `profile ${aim.profile}` : aim.by === 'policy' ? `policy ${aim.policy}` : '';
  const isOther = aim.by === 'policy' && aim.policy !== 'full';
  return (
    <>
      <div class="profiles">
        <Segments
          label="Profile"
          options={options}
          value={value}
          choose={(picked) => choose(options.find((option) => option.value === picked)!.aim)}
        />
      </div>
      {others.length > 0 && (
        <select
          class="others"
          aria-label="Other profiles"
          value={aim.by === 'profile' && others.some(({ name }) => name === aim.profile) ? aim.profile : ''}
          onChange={({ currentTarget }) => choose({ by: 'profile', profile: currentTarget.value })}
        >
          <option value="" disabled>
            Other profiles…
          </option>
          {others.map(({ name, quality, speedup }) => (
            <option key={name} value={name}>
              {[name, measuredOf(quality, speedup, ', ')].filter(Boolean).join(': ')}
            </option>
          ))}
        </select>
      )}
      {isOther && <p class="soft note">As the clip was made: policy {aim.policy}. Choosing a profile replaces it.</p>}
    </>
  );
}

function measuredOf(quality: number | null, speedup: number | null, between: string): string | undefined {
  const parts = [speedup !== null && `${speedup.toFixed(1)}×`, quality !== null && `${quality.toFixed(0)} dB`];
  return parts.filter(Boolean).join(between) || undefined;
}

function nearest(aim: Aim, profiles: readonly ProfileDescription[]): string {
  const far = ({ quality, speedup }: ProfileDescription) =>
    aim.by === 'quality'
      ? Math.abs((quality ?? 0) - aim.decibels)
      : aim.by === 'speedup'
        ? Math.abs((speedup ?? 0) - aim.times)
        : 0;
  return [...profiles].sort((a, b) => far(a) - far(b))[0]?.name ?? '';
}

interface TargetProps {
  readonly label: string;
  readonly unit: string;
  readonly note: string;
  readonly min: number;
  readonly max: number;
  readonly value: number;
  set(value: number): void;
}

function Target({ label, unit, note, min, max, value, set }: TargetProps) {
  return (
    <div class="target">
      <label>
        <span class="soft">{label}</span>
        <output class="number">{value}</output>
        <span class="soft">{unit}</span>
        <input
          type="range"
          min={min}
          max={max}
          value={value}
          style={{ '--done': `${(100 * (value - min)) / (max - min)}%` }}
          onInput={({ currentTarget }) => set(Number(currentTarget.value))}
        />
      </label>
      <p class="soft note">{note}</p>
    </div>
  );
}
