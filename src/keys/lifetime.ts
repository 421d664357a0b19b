/** How long keys live, as people write it: `90d`, in the command line, in YAML and over HTTP alike. */

/** A century: longer than anybody means. */
export const MAX_DAYS = 36_500

export const DAY_SECONDS = 86_400

/** `90d` as a number of days; undefined for anything else. */
export const daysIn = (text: string): number | undefined => {
  const days = /^([1-9]\d{0,4})d$/.exec(text)?.[1]
  return days !== undefined && Number(days) <= MAX_DAYS ? Number(days) : undefined
}

/** How long a session lives without an act of whoever is signed in. */
export const SESSION_IDLE_SECONDS = 15 * 60
/** How long a session lives at most, whatever is done in it. */
export const SESSION_MAX_SECONDS = 8 * 3_600
/** How many sessions may be open at once, of one who is signed in and of all: the oldest end for a new one. */
export const SESSIONS_OF_USER_MAX = 20
export const SESSIONS_MAX = 1_000
/** How long it counts that whoever is signed in has shown the key once more. */
export const REAUTHENTICATED_SECONDS = 5 * 60
