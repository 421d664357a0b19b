// A program that knows nothing of Purser: it reads its secrets from files, and says how many it has.
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import process from 'node:process'

const FOLDER = process.env.SECRETS ?? '/run/secrets/app'
const names = readdirSync(FOLDER).filter((name) => !name.startsWith('.'))

const server = createServer((_request, response) => {
  response.end(`${names.length} secrets: ${names.join(', ')}\n`)
})
server.listen(Number(process.env.PORT ?? 8080), () =>
  process.stdout.write('The program is there.\n')
)
process.on('SIGTERM', () => server.close(() => process.exit(0)))
