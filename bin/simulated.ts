import { Simulation, type SimulationOptions } from '../agent/sim/simulation'

/** `cui --sim FILE`: a file of its own, because the shell needs nothing of it otherwise. */
export const openSimulation = (options: SimulationOptions): Simulation => new Simulation(options)
