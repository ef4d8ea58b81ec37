import { type ReadonlySignal, signal } from '@preact/signals';
import { Icon, type IconName } from '../ui/icon.tsx';
import { readSetting, writeSetting } from './settings.ts';

export type Theme = 'system' | 'light' | 'dark';

const THEMES: readonly { theme: Theme; icon: IconName; label: string }[] = [
  { theme: 'system', icon: 'screen', label: 'System theme' },
  { theme: 'light', icon: 'sun', label: 'Light theme' },
  { theme: 'dark', icon: 'moon', label: 'Dark theme' },
];

const stored = THEMES.find(({ theme }) => theme === readSetting('theme'));
const chosen = signal<Theme>(stored?.theme ?? 'system');
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
const colors = signal(shownColors());

/** The colors that the page shows now, for what is drawn without CSS. */
export const shownTheme: ReadonlySignal<'light' | 'dark'> = colors;

function shownColors(): 'light' | 'dark' {
  if (chosen.value !== 'system') return chosen.value;
  return systemIsDark.matches ? 'dark' : 'light';
}

systemIsDark.addEventListener('change', () => {
  colors.value = shownColors();
});

function choose(theme: Theme): void {
  chosen.value = theme;
  colors.value = shownColors();
  writeSetting('theme', theme);
  const { dataset } = document.documentElement;
  if (theme === 'system') delete dataset['theme'];
  else dataset['theme'] = theme;
}

export function ThemeSwitch() {
  return (
    <fieldset class="segments" aria-label="Theme">
      {THEMES.map(({ theme, icon, label }) => (
        <button
          key={theme}
          type="button"
          class="button-icon"
          aria-label={label}
          title={label}
          aria-pressed={chosen.value === theme}
          onClick={() => choose(theme)}
        >
          <Icon name={icon} />
        </button>
      ))}
    </fieldset>
  );
}
