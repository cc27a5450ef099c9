/** Fields of forms: a label, what is expected, and what is wrong with it. */
import type { ComponentChildren } from 'preact';

interface FieldProps {
  label: string;
  /** What to enter; stays while it is wrong. */
  hint?: ComponentChildren;
  error?: string | undefined;
  children: ComponentChildren;
  wide?: boolean;
}

export function Field({ label, hint, error, children, wide = false }: FieldProps) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
    <label class={`field ${wide ? 'wide' : ''} ${error === undefined ? '' : 'wrong'}`}>
      <span class="field-name">{label}</span>
      {children}
      {error !== undefined ? (
        <span class="field-error">{error}</span>
      ) : (
        hint !== undefined && <span class="field-hint">{hint}</span>
      )}
    </label>
  );
}

interface TextProps extends Omit<FieldProps, 'children'> {
  value: string;
  onValue: (value: string) => void;
  numeric?: boolean;
  unit?: string;
  maxLength?: number;
  placeholder?: string;
}

export function TextField({
  value,
  onValue,
  numeric = false,
  unit,
  maxLength = 200,
  placeholder,
  ...field
}: TextProps) {
  return (
    <Field {...field}>
      <span class="field-box">
        <input
          value={value}
          maxLength={maxLength}
          spellcheck={false}
          autocomplete="off"
          aria-invalid={field.error !== undefined}
          {...(numeric && { inputMode: 'decimal' as const, class: 'number' })}
          {...(placeholder !== undefined && { placeholder })}
          onInput={({ currentTarget }) => onValue(currentTarget.value)}
        />
        {unit !== undefined && <span class="field-unit">{unit}</span>}
      </span>
    </Field>
  );
}

interface SwitchProps {
  label: string;
  hint: ComponentChildren;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}

export function Switch({ label, hint, checked, onChange, disabled = false }: SwitchProps) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <span>
        <span class="field-name">{label}</span>
        <span class="field-hint">{hint}</span>
      </span>
    </label>
  );
}
