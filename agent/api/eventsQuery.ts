import { EVENT_LEVELS, EVENTS_PAGE_MAX, EVENTS_WAIT_MS_MAX, type EventLevel, type EventsQuery } from '../../src/wire'
import { countOf, type Exchange } from './exchange'
import { apiFailure } from './failure'

/** The question in an address: `?since=&max=&level=&job=&from=&to=&waitMs=`. */
export function eventsQuery(exchange: Exchange): EventsQuery {
  const { query } = exchange
  return {
    since: query.has('since') ? countOf(exchange, 'since', Number.MAX_SAFE_INTEGER) : null,
    max: query.has('max') ? countOf(exchange, 'max', EVENTS_PAGE_MAX) : EVENTS_PAGE_MAX,
    level: levelOf(exchange),
    job: query.get('job'),
    fromMs: countOf(exchange, 'from', Number.MAX_SAFE_INTEGER),
    toMs: query.has('to') ? countOf(exchange, 'to', Number.MAX_SAFE_INTEGER) : Number.MAX_SAFE_INTEGER,
    waitMs: countOf(exchange, 'waitMs', EVENTS_WAIT_MS_MAX)
  }
}

function levelOf({ query, node }: Exchange): EventLevel {
  const word = query.get('level') ?? 'info'
  const level = EVENT_LEVELS.find((each) => each === word)
  if (level === undefined) throw apiFailure('E_API_REQUEST', { node, what: `level must be one of ${EVENT_LEVELS.join(', ')}` })
  return level
}
