/** A password costs etcd a tenth of a second of a processor, on a busy machine much more than a vote may wait. */
export const LOGIN_MS_MAX = 10_000

/** Logins, one a member at a time: each goes on when nobody waits for it any more, so that the next question has its token. */
export class EtcdLogins {
  private readonly underWay = new Map<number, Promise<string>>()

  constructor(private readonly login: (place: number) => Promise<string>) {}

  /** The token that comes first; this member's failure is the answer, that of another one is not. */
  async token(place: number, timeoutMs: number): Promise<string> {
    const own = this.underWay.get(place) ?? this.begin(place)
    const others = [...this.underWay.values()].filter((each) => each !== own).map((each) => each.catch(() => own))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), timeoutMs)
    })
    return await Promise.race([own, ...others, late]).finally(() => clearTimeout(timer))
  }

  private begin(place: number): Promise<string> {
    const login = this.login(place).finally(() => this.underWay.delete(place))
    this.underWay.set(place, login)
    // It may fail when nobody waits for it.
    login.catch(() => {})
    return login
  }
}
