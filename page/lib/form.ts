/** A form whose answer has an address: what is typed is the form's, what is asked stands in the address. */
import { useEffect, useState } from 'preact/hooks'
import { hashOf, type Query, type ViewName } from './place.ts'

export interface Form {
  readonly value: (name: string) => string
  readonly set: (name: string) => (text: string) => void
  /** Goes to the address of what is typed now. */
  readonly go: (event?: Event) => void
}

export const useForm = (view: ViewName, query: Query): Form => {
  const [typed, setTyped] = useState<Query>(query)
  const text = JSON.stringify(query)
  // By a link from elsewhere, or back and forth.
  useEffect(() => setTyped(JSON.parse(text)), [text])
  return {
    value: (name) => typed[name] ?? '',
    set: (name) => (given) => setTyped((last) => ({ ...last, [name]: given })),
    go: (event) => {
      event?.preventDefault()
      const trimmed = Object.entries(typed).map(([name, given]) => [name, given.trim()] as const)
      location.hash = hashOf(view, Object.fromEntries(trimmed))
    }
  }
}
