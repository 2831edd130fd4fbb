import type { JobChange } from '../../src/model'
import type { Context } from '../context'
import type { Choice } from '../kit/ask'
import { askChecked, choose } from '../kit/confirm'
import type { Draft } from './draft'
import { addApplication, addFolder, addVip, askMode, askOwner, askPatterns } from './pages'
import { askRestart } from './restart'

const NONE = ''

/** The guide's wizard, page by page: data, mode, addresses, applications, restart limit. */
export async function createByDialogue(context: Context, draft: Draft): Promise<void> {
  while (await addFolder(context, draft));
  await askOwner(context, draft)
  await askMode(context, draft)
  while (await addVip(context, draft));
  while (await addApplication(context, draft));
  if ((draft.config?.applications.length ?? 0) > 0) await askRestart(context, draft)
}

const PAGES: Choice[] = [
  { value: 'done', name: 'Nothing more: show what changes' },
  { value: 'vip', name: 'A virtual address more' },
  { value: 'application', name: 'An application more' },
  { value: 'folder', name: 'A folder more' },
  { value: 'patterns', name: 'What more is left out of a folder' },
  { value: 'mode', name: 'The mode' },
  { value: 'restart', name: 'The restart limit' },
  { value: 'less', name: 'Something less: an address, an application, a folder' },
  { value: 'value', name: 'A value', description: 'in the words of mirrorpair.yaml, such as applications.POSTGRES.stopTimeout' }
]

/** One page after the other, until nothing more is to be changed. */
export async function modifyByDialogue(context: Context, draft: Draft): Promise<void> {
  for (;;) {
    const page = await choose(context, `What of ${draft.job} is to be changed?`, PAGES, 'done')
    if (page === 'done') return
    if (page === 'vip') await addVip(context, draft)
    else if (page === 'application') await addApplication(context, draft)
    else if (page === 'folder') await addFolder(context, draft)
    else if (page === 'patterns') await changePatterns(context, draft)
    else if (page === 'mode') await askMode(context, draft)
    else if (page === 'restart') await askRestart(context, draft)
    else if (page === 'less') await takeAway(context, draft)
    else await setValue(context, draft)
  }
}

async function changePatterns(context: Context, draft: Draft): Promise<void> {
  const [first = NONE, ...others] = (draft.config?.data?.folders ?? []).map(({ path }) => path)
  if (first === NONE) context.io.stdout.write(`${draft.job} has no folder.\n`)
  else
    await askPatterns(
      context,
      draft,
      others.length === 0
        ? first
        : await choose(
            context,
            'Which folder?',
            [first, ...others].map((path) => ({ value: path, name: path })),
            first
          )
    )
}

async function takeAway(context: Context, draft: Draft): Promise<void> {
  const { vips = [], applications = [], data = null } = draft.config ?? {}
  const parts = [
    ...vips.map(({ name, address }) => ({ value: `vips.${name}`, name: `Virtual address ${name} (${address})` })),
    ...applications.map(({ name, kind }) => ({ value: `applications.${name}`, name: `Application ${name} (${kind})` })),
    ...(data?.folders ?? []).map(({ path }) => ({ value: `data.folders.${path}`, name: `Folder ${path}` }))
  ]
  const at = await choose(context, 'What is to go?', [{ value: NONE, name: 'Nothing' }, ...parts], NONE)
  if (at === NONE) return
  const change: JobChange = { do: 'unset', at }
  const wrong = draft.whyNot(change)
  if (wrong === null) draft.add(change)
  else context.io.stdout.write(`${wrong}\n`)
}

async function setValue(context: Context, draft: Draft): Promise<void> {
  const change = (word: string): JobChange => {
    const cut = word.indexOf('=')
    return { do: 'set', at: word.slice(0, cut), value: word.slice(cut + 1) }
  }
  const check = async (word: string): Promise<string | null> => {
    if (word === NONE) return null
    return /^[^=]+=./.test(word) ? await draft.whyNotThere(change(word)) : 'KEY=VALUE is expected, such as data.pagefile=4GiB.'
  }
  const word = await askChecked(context, { message: 'KEY=VALUE (empty: none):', initial: NONE, check })
  if (word !== NONE) draft.add(change(word))
}
