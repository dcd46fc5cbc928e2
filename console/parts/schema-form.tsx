import { Checkbox, NativeSelect, NumberInput, Textarea, TextInput } from '@mantine/core';
import type { DecisionSchema, FieldSchema } from '../api/contract';
import { submitByKey } from './keys';
import { spaced } from './words';

/** What a decision takes that the page itself knows. */
const KNOWN = new Set(['decision', 'actor', 'via', 'openedAt']);

/** Above how many characters a text gets several lines. */
const LONG_TEXT = 200;

export type Values = Record<string, unknown>;

/** The fields of a decision, as its JSON schema has them. */
export function SchemaFields(props: {
  schema: DecisionSchema['schema'];
  values: Values;
  onChange: (values: Values) => void;
}) {
  const { schema, values, onChange } = props;
  const fields = Object.entries(schema.properties ?? {}).filter(([name]) => !KNOWN.has(name));
  return fields.map(([name, field]) => (
    <Field
      key={name}
      name={name}
      field={field}
      isRequired={schema.required?.includes(name) ?? false}
      value={values[name]}
      onChange={(value) => onChange({ ...values, [name]: value })}
    />
  ));
}

function Field(props: {
  name: string;
  field: FieldSchema;
  isRequired: boolean;
  value: unknown;
  onChange: (value: unknown) => void;
}) {
  const { name, field, isRequired, value, onChange } = props;
  const label = field.title ?? LABELS[name] ?? capital(spaced(name));
  const shared = { label, description: field.description, required: isRequired };
  const text = typeof value === 'string' ? value : '';
  const change = (event: { currentTarget: { value: string } }) =>
    onChange(event.currentTarget.value === '' ? undefined : event.currentTarget.value);
  if (field.enum) {
    return <NativeSelect {...shared} data={['', ...field.enum]} value={text} onChange={change} />;
  }
  if (field.type === 'boolean') {
    return (
      <Checkbox
        label={label}
        description={field.description}
        checked={value === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  }
  if (field.type === 'integer' || field.type === 'number') {
    return (
      <NumberInput
        {...shared}
        min={field.minimum}
        max={field.maximum}
        allowDecimal={field.type === 'number'}
        value={typeof value === 'number' ? value : ''}
        onChange={(number) => onChange(number === '' ? undefined : Number(number))}
      />
    );
  }
  const isLong = (field.maxLength ?? 0) > LONG_TEXT;
  const limits = { minLength: field.minLength, maxLength: field.maxLength };
  return isLong ? (
    <Textarea
      {...shared}
      {...limits}
      value={text}
      onChange={change}
      onKeyDown={submitByKey}
      rows={2}
    />
  ) : (
    <TextInput {...shared} {...limits} value={text} onChange={change} autoComplete="off" />
  );
}

const LABELS: Record<string, string> = {
  note: 'Note',
  courierId: 'Courier',
};

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
