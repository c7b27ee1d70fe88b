import { Textarea, type TextareaProps } from '@mantine/core'
import { text } from '../../text/console-actions.ts'

/** Why staff do something; whoever it concerns reads it in their log. */
export const Reason = (input: TextareaProps) => (
  <Textarea label={text.reason} description={text.reasonHint} autosize minRows={2} {...input} />
)
