import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LogPort } from '../ports'
import { type Exchange, failureAnswer, remoteAddress, sendJson } from './exchange'
import { apiFailure } from './failure'
import type { Route } from './route'

const PATH_SHOWN_MAX = 200

/** The parts of the path in the places of `:name`; null: another path. */
function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/')
  const parts = path.split('/')
  if (wanted.length !== parts.length) return null
  const parameters: Record<string, string> = Object.create(null)
  for (const [index, want] of wanted.entries()) {
    const part = parts[index] as string
    if (!want.startsWith(':')) {
      if (want !== part) return null
      continue
    }
    const value = decoded(part)
    // No job, ticket or link is called what every object has; a table of the engine would answer with that.
    if (value === null || value === '' || value in Object.prototype) return null
    parameters[want.slice(1)] = value
  }
  return parameters
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part)
  } catch {
    return null
  }
}

/** Finds the route of a request and answers with what it says, or with what went wrong. */
export function createRouter(routes: Route[], node: string, log: LogPort): (request: IncomingMessage, response: ServerResponse) => void {
  const dispatch = (exchange: Exchange): Promise<unknown> => {
    const { path, request } = exchange
    const method = request.method ?? ''
    const found = routes.map((route) => ({ route, parameters: match(route.path, path) })).filter(({ parameters }) => parameters !== null)
    const shown = path.slice(0, PATH_SHOWN_MAX)
    if (found.length === 0) throw apiFailure('E_API_ROUTE', { node, method, path: shown })
    const hit = found.find(({ route }) => route.method === method)
    if (!hit) throw apiFailure('E_API_METHOD', { node, method, path: shown, allowed: found.map(({ route }) => route.method).join(', ') })
    return hit.route.handle({ ...exchange, parameters: hit.parameters as Record<string, string> })
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = '', search = ''] = (request.url ?? '').split('?', 2)
    try {
      const exchange = { node, request, path, query: new URLSearchParams(search), parameters: {}, from: remoteAddress(request) }
      sendJson(response, 200, await dispatch(exchange))
    } catch (error) {
      const { status, error: body } = failureAnswer(error, node, (reference, cause) =>
        log.event(
          'error',
          `Request ${request.method} ${path.slice(0, PATH_SHOWN_MAX)} failed (${reference}): ${cause instanceof Error ? cause.stack : String(cause)}`
        )
      )
      // What is left of a body that was not read would be taken for the next request.
      sendJson(response, status, { error: body }, request.complete ? {} : { connection: 'close' })
    }
  }
  return (request, response) => void answer(request, response)
}
