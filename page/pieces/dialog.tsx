/** A dialog in front of the page: the browser's own, which keeps the focus inside and gives it back. */
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

export const Dialog = ({ title, onClose, children }: DialogProps) => {
  const id = useId()
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = element.current
    const opener = document.activeElement
    dialog?.showModal()
    return () => {
      dialog?.close()
      // The browser gives the focus back only while the dialog is still in the document.
      if (opener instanceof HTMLElement) opener.focus()
    }
  }, [])
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <div class="form">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}

interface ButtonsProps {
  readonly act: string
  readonly isBusy: boolean
  readonly isDanger?: boolean
  readonly onCancel: () => void
}

/** The last row of a form in a dialog. */
export const Buttons = ({ act, isBusy, isDanger = false, onCancel }: ButtonsProps) => (
  <div class="buttons">
    <button type="button" onClick={onCancel}>
      Cancel
    </button>
    <button type="submit" class={isDanger ? 'danger' : 'main'} disabled={isBusy}>
      {act}
    </button>
  </div>
)
