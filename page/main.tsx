/** The administrators' page: starts it where the document has room for it. */
import { render } from 'preact'

const room = document.getElementById('page')
if (room !== null) render(<h1>Purser</h1>, room)
