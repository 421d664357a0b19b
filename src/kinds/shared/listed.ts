/**
 * A page of a listing while folder after folder of it is asked for. Rule: a folder that is denied is said and stops no
 * other; where all that were asked are denied, so is the listing.
 */
import type { ProviderFault } from '../../core/fault.ts'
import type { Listing } from '../provider.ts'

export interface Listed {
  readonly paths: string[]
  /** That the peer does not list this folder for us. */
  readonly deny: (path: string, fault: ProviderFault) => void
  /** There is more after the cursor. */
  readonly pageTo: (cursor: string) => Listing
  /** `asked`: how many folders. Throws the denial of the first if it was the same with all. */
  readonly lastPage: (asked: number) => Listing
}

export const startListed = (): Listed => {
  const paths: string[] = []
  const unlisted: { path: string; fault: ProviderFault }[] = []
  const page = (): Listing => ({ paths, ...(unlisted.length > 0 && { unlisted }) })
  return {
    paths,
    deny: (path, fault) => {
      unlisted.push({ path, fault })
    },
    pageTo: (cursor) => ({ ...page(), cursor }),
    lastPage: (asked) => {
      const [denial] = unlisted
      if (denial !== undefined && unlisted.length === asked) throw denial.fault
      return page()
    }
  }
}
