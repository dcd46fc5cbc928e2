import { useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { Icon, type IconName } from '../parts/icons';
import classes from './rail.module.css';

const NEXT: Record<
  MantineColorScheme,
  { next: MantineColorScheme; icon: IconName; label: string }
> = {
  auto: { next: 'light', icon: 'auto', label: 'Colours: as the system' },
  light: { next: 'dark', icon: 'sun', label: 'Colours: light' },
  dark: { next: 'auto', icon: 'moon', label: 'Colours: dark' },
};

/** Light, dark, or as the system has it. */
export function SchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { next, icon, label } = NEXT[colorScheme];
  return (
    <button
      type="button"
      className={classes.tool}
      onClick={() => setColorScheme(next)}
      title={label}
      aria-label={label}
    >
      <Icon name={icon} />
    </button>
  );
}
