import { Button } from '@mantine/core'
import { text } from '../text/shared.ts'
import { page } from './page.ts'

/** All that matches, as a file that the server sends as it reads it: as many lines as there are. */
export function DownloadCsv({ path, filters }: { path: string; filters: Record<string, string | undefined> }) {
  const said = Object.entries(filters).filter((each): each is [string, string] => each[1] !== undefined)
  return (
    <Button component="a" variant="default" href={`${page.apiPath}${path}.csv?${new URLSearchParams(said)}`} download>
      {text.csv}
    </Button>
  )
}
