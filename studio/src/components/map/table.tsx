/** The map for those who read it: a line per step. */
import type { Grid } from './grid.ts';

export function MapTable({ grid }: { readonly grid: Grid }) {
  return (
    <details class="map-table">
      <summary>As a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
      <div class="scroll" role="group" aria-label="Decisions by step" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">step</th>
              <th scope="col">as a whole</th>
              <th scope="col">modules computed</th>
              <th scope="col">reused</th>
              <th scope="col">skipped</th>
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: grid.numSteps }, (_, step) => (
              <tr key={step}>
                <th scope="row" class="number">
                  {step}
                </th>
                {textsOf(grid, step).map((text, i) => (
                  <td key={i} class="number">
                    {text}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function textsOf({ cells }: Grid, step: number): string[] {
  const [whole, ...modules] = cells.map((row) => row[step]!);
  const count = (did: string) => modules.filter(({ decision }) => decision?.did === did).length;
  const { decision } = whole!;
  const said =
    decision?.did === 'compute'
      ? `computed, ${decision.precision}`
      : decision?.did === 'reuse'
        ? 'leapt over'
        : 'skipped';
  return [said, ...['compute', 'reuse', 'skip'].map((did) => String(count(did)))];
}
