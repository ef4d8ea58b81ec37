import type { RefObject } from 'preact';

interface FilterInputProps {
  type: 'search' | 'text';
  label: string;
  placeholder: string;
  value: string;
  onText: (text: string) => void;
  onEnter?: () => void;
  class?: string;
  /** The id of a `datalist`. */
  list?: string;
  inputRef?: RefObject<HTMLInputElement | null>;
}

/** A text box that filters. Escape clears the filter; in an empty box it leaves the box. */
export function FilterInput({ type, label, value, onText, onEnter, inputRef, ...others }: FilterInputProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === 'Enter') onEnter?.();
    if (event.key !== 'Escape') return;
    event.preventDefault(); // Chromium would clear the box alone.
    if (value === '') (event.currentTarget as HTMLInputElement).blur();
    else onText('');
  };
  return (
    <input
      {...others}
      {...(inputRef && { ref: inputRef })}
      type={type}
      aria-label={label}
      autocomplete="off"
      spellcheck={false}
      value={value}
      onInput={(event) => onText(event.currentTarget.value)}
      onKeyDown={onKeyDown}
    />
  );
}
