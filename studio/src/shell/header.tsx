/** Name, model, what the queue does, help and the theme. */
import { IconButton } from '../components/iconbutton.tsx';
import { span } from '../names.ts';
import { connected, unfinished } from '../state/library.ts';
import { capabilities, model, modelId } from '../state/server.ts';
import { help } from './help.tsx';
import { nextTheme, theme } from './theme.ts';

export function Header() {
  return (
    <header class="header">
      <h1 class="unseen">QuantCache Studio</h1>
      <a class="brand" href="#/">
        <span class="mark" aria-hidden="true">
          <i />
          <i />
          <i />
          <i />
        </span>
        QuantCache
      </a>
      <ModelChoice />
      <Status />
      <IconButton
        icon={theme.value === 'light' ? 'sun' : theme.value === 'dark' ? 'moon' : 'system'}
        label={`Theme: ${theme.value}`}
        title={`Theme: ${theme.value}`}
        act={nextTheme}
      />
      <IconButton
        icon="help"
        label="Keys and help"
        title="?"
        act={() => {
          help.value = true;
        }}
      />
    </header>
  );
}

function ModelChoice() {
  const models = capabilities.value?.models ?? [];
  if (models.length < 2) return <span class="model soft">{models[0]?.id}</span>;
  return (
    <label class="model">
      <span class="unseen">Model</span>
      <select
        value={model.value?.id}
        onChange={({ currentTarget }) => {
          modelId.value = currentTarget.value;
        }}
      >
        {models.map(({ id }) => (
          <option key={id}>{id}</option>
        ))}
      </select>
    </label>
  );
}

function Status() {
  const left = unfinished.value.reduce((most, { quantcache }) => Math.max(most, quantcache.eta_seconds ?? 0), 0);
  const count = unfinished.value.length;
  return (
    <span class="status" data-busy={count > 0} data-lost={connected.value === false}>
      <i aria-hidden="true" />
      {connected.value === false ? 'connecting again' : count === 0 ? 'idle' : `${count} in the queue`}
      {connected.value !== false && left > 0 && <span class="number">· {span(left)}</span>}
    </span>
  );
}
