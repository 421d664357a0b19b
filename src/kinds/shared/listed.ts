/**
 * A page of a listing, gathered folder by folder. Rule: a denied folder is reported and stops no other; if all folders
 * are denied, so is the listing.
 */
import type { ProviderFault } from '../../core/fault.ts'
import type { Listing } from '../provider.ts'

export interface Listed {
  readonly paths: string[]
  /** Notes that the peer does not list this folder for us. */
  readonly deny: (path: string, fault: ProviderFault) => void
  /** The page, if there is more after the cursor. */
  readonly pageTo: (cursor: string) => Listing
  /** The last page; `asked`: of how many folders. Throws the first denial if all folders were denied. */
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
