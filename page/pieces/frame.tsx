/** The head of a view, and its sheets. */
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import type { Asked } from '../lib/use.ts'

/** Where the focus goes after going to a view, and where what had it is gone. */
export const focusHeading = (): void => document.querySelector<HTMLElement>('main h1')?.focus()

interface HeadProps {
  readonly title: string
  readonly children?: ComponentChildren
}

/** The heading takes the focus when somebody comes to the view (`Shell`). */
export const Head = ({ title, children }: HeadProps) => (
  <div class="head">
    <h1 tabIndex={-1}>{title}</h1>
    {children}
  </div>
)

interface AskedHeadProps extends HeadProps {
  /** What the button says that asks again. */
  readonly act: string
  readonly asked: Pick<Asked<unknown>, 'isBusy' | 'again'>
}

/** Of a view that asks once, and again when it is told to. */
export const AskedHead = ({ title, act, asked: { isBusy, again }, children }: AskedHeadProps) => (
  <Head title={title}>
    {children}
    <button type="button" disabled={isBusy} onClick={again}>
      {act}
    </button>
  </Head>
)

interface SheetProps {
  readonly title: string
  readonly acts?: ComponentChildren
  readonly children: ComponentChildren
}

export const Sheet = ({ title, acts, children }: SheetProps) => {
  const id = useId()
  return (
    <section class="sheet" aria-labelledby={id}>
      <div class="head">
        <h2 id={id}>{title}</h2>
        {acts}
      </div>
      {children}
    </section>
  )
}

export const Figure = ({
  title,
  value,
  note
}: {
  readonly title: string
  readonly value: string
  readonly note?: string
}) => (
  <dl class="figure">
    <dt>{title}</dt>
    <dd>{value}</dd>
    {note !== undefined && <dd class="small">{note}</dd>}
  </dl>
)
