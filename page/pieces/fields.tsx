/** What is filled in. Rule: a masked field gives its text away once, and is empty afterwards. */
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { standing } from '../lib/session.ts'

interface FieldProps {
  readonly label: string
  readonly hint?: string
  readonly isWide?: boolean
}

interface TextProps extends FieldProps {
  readonly value: string
  readonly onText: (text: string) => void
  readonly type?: 'text' | 'date' | 'number' | 'search'
  readonly isRequired?: boolean
  readonly pattern?: string
  readonly placeholder?: string
  readonly suggestions?: readonly string[]
}

const Framed = ({
  id,
  label,
  hint,
  isWide = false,
  children
}: FieldProps & { readonly id: string; readonly children: ComponentChildren }) => (
  <div class={isWide ? 'field wide' : 'field'}>
    <label for={id}>{label}</label>
    {children}
    {hint !== undefined && (
      <span class="hint" id={`${id}-hint`}>
        {hint}
      </span>
    )}
  </div>
)

export const TextField = (props: TextProps) => {
  const id = useId()
  const { value, onText, type = 'text', isRequired, pattern, placeholder, suggestions } = props
  return (
    <Framed id={id} {...props}>
      <input
        id={id}
        type={type}
        value={value}
        required={isRequired ?? false}
        pattern={pattern}
        placeholder={placeholder}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        list={suggestions === undefined ? undefined : `${id}-list`}
        aria-describedby={props.hint === undefined ? undefined : `${id}-hint`}
        onInput={({ currentTarget }) => onText(currentTarget.value)}
      />
      {suggestions !== undefined && (
        <datalist id={`${id}-list`}>
          {suggestions.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </Framed>
  )
}

interface ChoiceProps extends FieldProps {
  readonly value: string
  readonly onText: (text: string) => void
  readonly options: readonly (readonly [value: string, label: string])[]
}

export const ChoiceField = (props: ChoiceProps) => {
  const id = useId()
  return (
    <Framed id={id} {...props}>
      <select
        id={id}
        value={props.value}
        aria-describedby={props.hint === undefined ? undefined : `${id}-hint`}
        onChange={({ currentTarget }) => props.onText(currentTarget.value)}
      >
        {props.options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </Framed>
  )
}

/** The text of a masked field: in the element alone, never in the state of a component. */
export interface Masked {
  readonly bind: (element: HTMLInputElement | HTMLTextAreaElement | null) => void
  /** What was typed; the field is empty from then on. */
  readonly take: () => string
}

/** Emptied when the session ends, and with the component. */
export const useMasked = (): Masked => {
  const element = useRef<HTMLInputElement | HTMLTextAreaElement | null>(null)
  const masked = useRef<Masked>({
    bind: (found) => {
      element.current = found
    },
    take: () => {
      const text = element.current?.value ?? ''
      if (element.current !== null) element.current.value = ''
      return text
    }
  })
  useEffect(() => {
    const { take } = masked.current
    const end = standing.watch(() => {
      const now = standing.get()
      if (now.kind !== 'in' || now.isExpired) take()
    })
    return () => {
      end()
      take()
    }
  }, [])
  return masked.current
}

interface MaskedProps extends FieldProps {
  readonly masked: Masked
  readonly isLong?: boolean
}

export const MaskedField = (props: MaskedProps) => {
  const id = useId()
  const common = {
    id,
    required: true,
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: false,
    'aria-describedby': props.hint === undefined ? undefined : `${id}-hint`
  } as const
  return (
    <Framed id={id} {...props}>
      {props.isLong ? (
        <textarea {...common} class="masked" ref={props.masked.bind} />
      ) : (
        <input {...common} type="password" ref={props.masked.bind} />
      )}
    </Framed>
  )
}
