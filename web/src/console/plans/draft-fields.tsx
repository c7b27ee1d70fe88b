import { Button, Group, NativeSelect, NumberInput, Stack, Text, TextInput, Title } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import type { ReactNode } from 'react'
import { text } from '../../text/console-versions.ts'
import { product } from '../../ui/page.ts'
import { capital, words } from '../../ui/words.ts'
import { newKey } from '../actions/action-dialog.tsx'
import { MoneyInput } from '../money/money-input.tsx'
import { currencyOf, units, type Draft, type IncludedDraft } from './draft.ts'
import classes from './draft.module.css'

type Form = { form: UseFormReturnType<Draft> }

const options = (labels: Record<string, string>) => Object.entries(labels).map(([value, label]) => ({ value, label }))

export function PriceFields({ form }: Form) {
  const { prices } = form.values
  const { price } = text
  const add = () =>
    form.insertListItem('prices', {
      key: newKey(),
      name: '',
      amount: 0,
      currency: currencyOf(form.values),
      count: 1,
      unit: 'month',
    })
  return (
    <Stack gap="sm">
      <Title order={2} size="h3">
        {text.prices}
      </Title>
      <Text c="dimmed">{text.pricesHint}</Text>
      <Labelled
        columns={classes.prices ?? ''}
        labels={[price.name, price.amount, price.currency, price.count, price.unit]}
      >
        {prices.map(({ key, name, currency }, index) => (
          <div key={key} role="group" className={classes.line} aria-label={price.label(name)}>
            <TextInput label={price.name} {...form.getInputProps(`prices.${index}.name`)} />
            <MoneyInput currency={currency} label={price.amount} {...form.getInputProps(`prices.${index}.amount`)} />
            <TextInput label={price.currency} maxLength={3} {...form.getInputProps(`prices.${index}.currency`)} />
            <NumberInput
              label={price.count}
              min={1}
              max={1000}
              allowDecimal={false}
              {...form.getInputProps(`prices.${index}.count`)}
            />
            <NativeSelect
              label={price.unit}
              data={units.map((value) => ({ value, label: price.units[value] }))}
              {...form.getInputProps(`prices.${index}.unit`)}
            />
            {prices.length > 1 && (
              <Button variant="subtle" onClick={() => form.removeListItem('prices', index)}>
                {price.remove}
              </Button>
            )}
          </div>
        ))}
      </Labelled>
      <Group>
        <Button variant="default" size="xs" onClick={add}>
          {price.add}
        </Button>
      </Group>
    </Stack>
  )
}

/**
 * Fields in lines, under what they are called, which is said once. To whoever hears the screen each field says it, and
 * where there is no room for lines each shows it.
 */
function Labelled({ columns, labels, children }: { columns: string; labels: string[]; children: ReactNode }) {
  return (
    <div className={classes.room}>
      <div className={`${classes.lines} ${columns}`}>
        <div className={classes.head} aria-hidden>
          {labels.map((label) => (
            <span key={label}>{label}</span>
          ))}
        </div>
        {children}
      </div>
    </div>
  )
}

export function TermFields({ form, plans }: Form & { plans: { key: string; name: string }[] }) {
  return (
    <Stack gap="sm">
      <Title order={2} size="h3">
        {text.terms}
      </Title>
      <div className={classes.row}>
        <NumberInput
          label={text.trialDays}
          min={0}
          max={3650}
          allowDecimal={false}
          w={128}
          {...form.getInputProps('trialDays')}
        />
        {Number(form.values.trialDays) > 0 && (
          <NativeSelect
            label={text.onTrialEnd}
            data={options(text.onTrialEnds)}
            {...form.getInputProps('onTrialEnd')}
          />
        )}
        <NativeSelect label={text.onEnd} data={options(text.onEnds)} {...form.getInputProps('onEnd')} />
        {form.values.onEnd === 'fallback' && (
          <NativeSelect
            label={text.fallbackPlan}
            data={[{ value: '', label: '' }, ...plans.map(({ key, name }) => ({ value: key, label: name }))]}
            {...form.getInputProps('fallbackPlan')}
          />
        )}
      </div>
    </Stack>
  )
}

export function IncludedFields({ form }: Form) {
  const currency = currencyOf(form.values)
  const hasValues = Object.values(product.features).some(({ kind }) => kind === 'value')
  const isPriced = Object.values(form.values.includes).some(({ mode }) => mode === 'beyond')
  const beyond = [text.beyond.amount(currency), text.beyond.units, text.beyond.cap(currency)]
  const labels = [text.feature, text.include, hasValues ? text.limitOrValue : text.limit, ...(isPriced ? beyond : [])]
  return (
    <Stack gap="sm">
      <Title order={2} size="h3">
        {text.includes}
      </Title>
      <Labelled columns={classes.features ?? ''} labels={labels}>
        {Object.entries(product.features).map(([name, { kind, unit }]) => (
          <Included key={name} form={form} name={name} kind={kind} unit={unit} />
        ))}
      </Labelled>
    </Stack>
  )
}

type Feature = (typeof product.features)[string]

function Included({ form, name, kind, unit }: Form & Feature & { name: string }) {
  const at = (field: keyof IncludedDraft) => form.getInputProps(`includes.${name}.${field}`)
  const { mode } = form.values.includes[name] ?? { mode: 'none' }
  const currency = currencyOf(form.values)
  const label = capital(words(name))
  return (
    <div role="group" className={classes.line} aria-label={label}>
      <Text fw={600} aria-hidden className={classes.name ?? ''}>
        {label}
      </Text>
      <NativeSelect
        label={text.include}
        className={classes.mode ?? ''}
        data={modesOf(kind)}
        {...at('mode')}
        error={form.errors[`includes.${name}`]}
      />
      {(mode === 'limit' || mode === 'beyond') && (
        <NumberInput
          label={kind === 'value' ? text.value : text.limit}
          min={0}
          allowDecimal={kind === 'value'}
          thousandSeparator
          placeholder={unit ?? ''}
          {...at('limit')}
        />
      )}
      {mode === 'beyond' && (
        <>
          <MoneyInput currency={currency} label={text.beyond.amount(currency)} {...at('amount')} />
          <NumberInput label={text.beyond.units} min={1} allowDecimal={false} thousandSeparator {...at('units')} />
          <MoneyInput
            currency={currency}
            label={text.beyond.cap(currency)}
            placeholder={text.beyond.capHint}
            {...at('cap')}
          />
        </>
      )}
    </div>
  )
}

function modesOf(kind: Feature['kind']) {
  const { beyond, ...modes } = text.modes
  if (kind === 'switch') return options(text.switches)
  if (kind === 'value') return options(text.values)
  return options(kind === 'metered' ? { ...modes, beyond } : modes)
}
