/**
 * Who is signed in. Rule: what is known of the session is in this tab's memory alone; tabs tell each other that there was
 * a sign-in or a sign-out, and nothing more.
 */
import type { Session } from '../shapes.ts'
import { ask, Problem, useSigns } from './api.ts'
import { createWatched } from './store.ts'

export type Standing =
  /** It is being asked. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'out'; readonly why?: string }
  /** `isExpired`: what is on the page stays, until somebody has signed in again. */
  | { readonly kind: 'in'; readonly session: Session; readonly isExpired: boolean }

export const standing = createWatched<Standing>({ kind: 'unknown' })

const tabs = new BroadcastChannel('purser-console')
let waiting: (() => void)[] = []

const enter = (session: Session): void => {
  standing.set({ kind: 'in', session, isExpired: false })
  for (const go of waiting) go()
  waiting = []
}

const leave = (why?: string): void => {
  // What waits for a session of this person gets none.
  waiting = []
  // Whoever comes next need not see what was looked at; who has not been in yet gets where the address leads.
  if (standing.get().kind === 'in') history.replaceState(null, '', location.pathname)
  standing.set({ kind: 'out', ...(why !== undefined && { why }) })
}

/**
 * Asks which session the browser has; one that has ended is asked for in front of what is on the page. `why`: what to say
 * where there is none.
 */
const refresh = async (why?: string): Promise<void> => {
  try {
    enter(await ask<Session>('/v1/sessions', { background: true }))
  } catch (error) {
    // Whoever was signed in was told of the end already (`expired`).
    if (standing.get().kind === 'in') return
    const isUnreachable = error instanceof Problem && error.code === 'unreachable'
    leave(isUnreachable ? error.message : why)
  }
}

/** Where a sign-in at a provider has led here, other tabs wait for it. */
const arrive = async (): Promise<void> => {
  await refresh()
  if (standing.get().kind === 'in') tabs.postMessage('in')
}

const expired = (): Promise<void> => {
  const now = standing.get()
  if (now.kind === 'in' && !now.isExpired) standing.set({ ...now, isExpired: true })
  return now.kind === 'in' ? new Promise((go) => waiting.push(go)) : new Promise(() => {})
}

export const signIn = async (apiKey: string): Promise<void> => {
  enter(await ask<Session>('/v1/sessions', { method: 'POST', apiKey }))
  tabs.postMessage('in')
}

/** By the code that `npm start` prints. */
const signInByCode = async (code: string): Promise<void> => {
  try {
    enter(await ask<Session>('/sign-in/code', { method: 'POST', body: { code } }))
    tabs.postMessage('in')
  } catch (error) {
    await refresh(error instanceof Problem ? error.message : undefined)
  }
}

export const signOut = async (): Promise<void> => {
  try {
    await ask('/v1/sessions', { method: 'DELETE' })
  } catch (error) {
    // Where the session has ended already there is nothing left to end.
    if (error instanceof Problem && error.status !== 401) throw error
  }
  leave('You are signed out.')
  tabs.postMessage('out')
}

/** Whoever is asked to sign in again, and does not. */
export const giveUp = (): void => leave('Your session has ended.')

/** Once, at the start. */
export const openSession = (code: string | undefined): void => {
  useSigns({
    csrfToken: () => {
      const now = standing.get()
      return now.kind === 'in' ? now.session.csrfToken : undefined
    },
    expired,
    refresh
  })
  tabs.onmessage = ({ data }) => {
    if (data === 'out') leave('You were signed out in another tab.')
    else if (data === 'in') void refresh()
  }
  void (code === undefined ? arrive() : signInByCode(code))
}
