import {
  Button,
  Checkbox,
  Modal,
  NativeSelect,
  NumberInput,
  PasswordInput,
  Textarea,
  TextInput,
  createTheme,
} from '@mantine/core';

/** Mantine's part of the look; colours and sizes are CSS variables (styles/tokens.css), since the policy allows no inline style element. */
export const theme = createTheme({
  primaryColor: 'indigo',
  defaultRadius: 6,
  components: {
    Button: Button.extend({ defaultProps: { size: 'xs' } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'xs' } }),
    PasswordInput: PasswordInput.extend({ defaultProps: { size: 'xs' } }),
    Textarea: Textarea.extend({ defaultProps: { size: 'xs', autosize: false, rows: 3 } }),
    NativeSelect: NativeSelect.extend({ defaultProps: { size: 'xs' } }),
    NumberInput: NumberInput.extend({ defaultProps: { size: 'xs' } }),
    Checkbox: Checkbox.extend({ defaultProps: { size: 'xs' } }),
    // Locking the scroll would bring an inline style element.
    Modal: Modal.extend({
      defaultProps: { lockScroll: false, centered: true, transitionProps: { duration: 0 } },
    }),
  },
});
