import { Document, isMap, isScalar, isSeq, parseDocument, YAMLMap, YAMLSeq } from 'yaml'
import { DEFAULT_API_PORT, DEFAULT_DATA_PORT } from './config'
import { type ConfigProblem, Source } from './config/source'
import { type ConfigEdit, NoSuchPart } from './editConfig'

/** The lists of a job whose members have names. */
export type JobList = 'vips' | 'applications' | 'data.folders'

/** One change of a job's section. `at`: keys and names of members from the outside in, `applications.POSTGRES.stopTimeout`. */
export type JobChange =
  /** `value` as it would stand in the file. */
  | { do: 'set'; at: string; value: string }
  | { do: 'unset'; at: string }
  /** The member of this name gets these values; null: it has none any more. One that is not there is added. */
  | { do: 'put'; list: JobList; name: string; values: Record<string, unknown> }
  /** Each folder of the job, or the one named, leaves this out too. */
  | { do: 'exclude' | 'include'; folder: string | null; pattern: string }

export class JobExists extends Error {}

/** What is wrong with the text of a section by itself. */
export const sectionProblems = (text: string, file: string): ConfigProblem[] => new Source(text, file).problems

/** `section`: its text, with or without the job's name above it; null: it begins empty. */
export const createJob =
  (name: string, section: string | null, changes: JobChange[]): ConfigEdit =>
  (document) => {
    const jobs = jobsOf(document)
    if (jobs.has(name)) throw new JobExists(name)
    const job = sectionOf(name, section)
    jobs.set(document.createNode(name), job)
    change(document, name, changes)
    if (section === null) inOrder(job)
    chooseDataPort(document, name)
  }

/** As a person would write it, whatever was named first. */
const ORDER = ['mode', 'firstOwner', 'vips', 'applications', 'data']

function inOrder(job: YAMLMap): void {
  const placeOf = (key: unknown): number => ORDER.indexOf(String(isScalar(key) ? key.value : key))
  job.items.sort((a, b) => placeOf(a.key) - placeOf(b.key))
}

/** `section` null: what is there is changed, else replaced. */
export const modifyJob =
  (name: string, section: string | null, changes: JobChange[]): ConfigEdit =>
  (document) => {
    const jobs = jobsOf(document)
    if (!jobs.has(name)) throw new NoSuchPart('job', name, namesOf(jobs))
    if (section !== null) jobs.set(name, sectionOf(name, section))
    change(document, name, changes)
    chooseDataPort(document, name)
  }

/** The jobs below it keep the ports that they have by their place. */
export const removeJob =
  (name: string): ConfigEdit =>
  (document) => {
    const jobs = jobsOf(document)
    const names = namesOf(jobs)
    if (!jobs.has(name)) throw new NoSuchPart('job', name, names)
    const ports = dataPorts(jobs)
    for (const below of names.slice(names.indexOf(name) + 1)) {
      const data = jobs.getIn([below, 'data'])
      if (isMap(data) && !data.has('port')) data.set('port', ports.get(below))
    }
    jobs.delete(name)
  }

/** The job's part of a configuration as it is written, its name above it; null: there is no such job. */
export function jobText(text: string, name: string): string | null {
  const section = jobsOf(parseDocument(text)).get(name)
  if (!isMap(section)) return null
  const alone = new Document({})
  const named = new YAMLMap()
  named.set(alone.createNode(name), section.clone())
  alone.contents = named as never
  return alone.toString({ lineWidth: 0, flowCollectionPadding: true })
}

function jobsOf(document: Document): YAMLMap {
  const jobs = document.get('jobs')
  if (isMap(jobs)) {
    if (jobs.items.length === 0) jobs.flow = false
    return jobs
  }
  const none = new YAMLMap()
  document.set('jobs', none)
  return none
}

const namesOf = (map: YAMLMap): string[] => map.items.map(({ key }) => String(isScalar(key) ? key.value : key))

function sectionOf(name: string, text: string | null): YAMLMap {
  const contents = text === null ? null : parseDocument(text).contents
  const whole = isMap(contents) && isMap(contents.get('jobs')) ? (contents.get('jobs') as YAMLMap) : contents
  const named = isMap(whole) && whole.items.length === 1 && isMap(whole.get(name)) ? whole.get(name) : whole
  return isMap(named) ? (named as YAMLMap) : new YAMLMap()
}

/** By place in the file, as the reader of the configuration counts. */
function dataPorts(jobs: YAMLMap): Map<string, number> {
  const ports = namesOf(jobs).flatMap((name, place): [string, number][] => {
    const data = jobs.getIn([name, 'data'])
    return isMap(data) ? [[name, Number(data.get('port') ?? DEFAULT_DATA_PORT + place)]] : []
  })
  return new Map(ports)
}

/** Its place may give it a port that another job has kept. */
function chooseDataPort(document: Document, name: string): void {
  const jobs = jobsOf(document)
  const data = jobs.getIn([name, 'data'])
  if (!isMap(data) || data.has('port')) return
  const { [name]: own, ...others } = Object.fromEntries(dataPorts(jobs))
  const taken = new Set([...Object.values(others), Number(document.getIn(['api', 'port']) ?? DEFAULT_API_PORT)])
  let port = own as number
  while (taken.has(port)) port += 1
  if (port !== own) data.set('port', port)
}

function change(document: Document, name: string, changes: JobChange[]): void {
  const job = jobsOf(document).get(name) as YAMLMap
  for (const each of changes) {
    if (each.do === 'set') setAt(document, job, each.at, each.value)
    else if (each.do === 'unset') unsetAt(job, each.at)
    else if (each.do === 'put') put(document, job, each)
    else addPattern(document, job, each)
  }
}

function put(document: Document, job: YAMLMap, { list, name, values }: Extract<JobChange, { do: 'put' }>): void {
  const members = listOf(job, list)
  const key = keyOf(list)
  const place = members.items.findIndex((item) => nameOf(item, key) === name)
  const member = place < 0 ? new YAMLMap() : asMap(members.items[place], key)
  // An application has long words in it.
  const flow = list !== 'applications'
  if (place < 0) member.flow = flow
  member.set(key, name)
  for (const [part, value] of Object.entries(values)) {
    if (value === null) member.delete(part)
    else member.set(part, document.createNode(value, { flow: flow || member.flow === true || Array.isArray(value) }))
  }
  // A folder that says nothing but its path is written as that.
  const written = list === 'data.folders' && member.items.length === 1 ? document.createNode(name) : member
  if (place < 0) members.add(written)
  else members.items[place] = written
}

function addPattern(document: Document, job: YAMLMap, { do: key, folder, pattern }: Extract<JobChange, { pattern: string }>): void {
  const folders = listOf(job, 'data.folders')
  const known = folders.items.map((item) => nameOf(item, 'path'))
  if (folder !== null && !known.includes(folder)) throw new NoSuchPart('folder of the job', folder, known)
  folders.items = folders.items.map((item, i) => {
    if (folder !== null && known[i] !== folder) return item
    const member = asMap(item, 'path')
    const patterns = member.get(key)
    if (isSeq(patterns)) patterns.add(document.createNode(pattern))
    else member.set(key, document.createNode([pattern], { flow: true }))
    return member
  })
}

const keyOf = (list: JobList): string => (list === 'data.folders' ? 'path' : 'name')

const nameOf = (item: unknown, key: string): string => String(isMap(item) ? item.get(key) : isScalar(item) ? item.value : '')

/** A folder may be written as its path alone. */
function asMap(item: unknown, key: string): YAMLMap {
  if (isMap(item)) return item as YAMLMap
  const member = new YAMLMap()
  member.flow = true
  member.set(key, isScalar(item) ? item.value : item)
  return member
}

function listOf(job: YAMLMap, list: JobList): YAMLSeq {
  const path = list.split('.')
  const found = job.getIn(path)
  if (isSeq(found)) return found as YAMLSeq
  const members = new YAMLSeq()
  if (path.length > 1 && !isMap(job.get(path[0]))) job.set(path[0], new YAMLMap())
  job.setIn(path, members)
  return members
}

interface Place {
  holder: YAMLMap | YAMLSeq
  key: string | number
}

/** Where `at` leads: to a key of a map, or to the member of a list. Names may have dots in them: the longest one that is there counts. */
function find(holder: unknown, at: string, whole: string, make: boolean): Place {
  if (isSeq(holder)) return findMember(holder as YAMLSeq, at, whole, make)
  if (!isMap(holder)) throw new NoSuchPart('part of the job', whole, [])
  const [key = '', ...rest] = at.split('.')
  if (rest.length === 0) return { holder: holder as YAMLMap, key }
  if (make && !holder.has(key)) holder.set(key, new YAMLMap())
  return find(holder.get(key), rest.join('.'), whole, make)
}

function findMember(list: YAMLSeq, at: string, whole: string, make: boolean): Place {
  const names = list.items.map((item) => nameOf(item, isMap(item) && item.has('path') ? 'path' : 'name'))
  const [name] = names.filter((each) => at === each || at.startsWith(`${each}.`)).sort((a, b) => b.length - a.length)
  if (name === undefined) throw new NoSuchPart('part of the job', whole, names)
  const key = names.indexOf(name)
  return at === name ? { holder: list, key } : find(list.items[key], at.slice(name.length + 1), whole, make)
}

function setAt(document: Document, job: YAMLMap, at: string, value: string): void {
  const { holder, key } = find(job, at, at, true)
  const written = parseDocument(value).contents ?? document.createNode(value)
  if (isSeq(holder)) holder.items[key as number] = written
  else holder.set(key, written)
}

function unsetAt(job: YAMLMap, at: string): void {
  const { holder, key } = find(job, at, at, false)
  if (isMap(holder) && !holder.has(key)) throw new NoSuchPart('part of the job', at, namesOf(holder))
  holder.delete(key)
}
