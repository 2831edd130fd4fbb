import { World } from '../fakes/world'
import { A, B, JOB } from '../fakes/pairConfig'

test('the ticket of selectsrc ends when the node whose data is right serves', () => {
  const world = new World()
  for (const node of [A, B]) world.boot(node)
  world.run(3_000)
  world.command(A, 'bringin')
  world.run(8_000)
  world.network.cut('service', 'link-0', 'link-1')
  world.run(8_000)
  world.write()
  world.network.heal()
  world.run(6_000)
  expect(world.node(B).state!.jobs[JOB]?.record.needToVerify).toBe('Manually')
  world.confirmed(B, 'selectsrc', { node: A })
  world.run(10_000)
  expect(world.serving().map(({ name }) => name)).toEqual([A])
  const ticket = Object.values(world.node(B).state!.tickets).find(({ purpose }) => purpose === 'selectsrc')
  expect(ticket).toMatchObject({ state: 'done', error: null })
})
