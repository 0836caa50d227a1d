/** Finding what a request is about. */
import type { OperationContext, ServerState } from './context.ts'
import { failed } from './errors.ts'
import { Account, type Container, type StoredObject } from './store.ts'

/** An account by its name; made when it is not there, as a server does that trusts its identity service. */
export function accountOf(state: ServerState, name: string): Account {
  let account = state.accounts.get(name)
  if (account === undefined) {
    account = new Account(name, state.stamp())
    state.accounts.set(name, account)
  }
  return account
}

/** The container of a request; 404 when there is none. */
export function needContainer({ state, request }: OperationContext): Container {
  const container = state.accounts.get(request.account)?.containers.get(request.container)
  if (container === undefined) throw failed(404)
  return container
}

/** An object that is there and has not expired. */
export function findObject(state: ServerState, container: Container, name: string): StoredObject | undefined {
  const object = container.objects.get(name)
  const isOver = object?.deleteAt !== undefined && object.deleteAt * 1000 <= state.now()
  return isOver ? undefined : object
}

/** The object at `/container/object` of the request's account. */
export function objectAt({ state, request }: OperationContext, path: string): StoredObject | undefined {
  const [name = '', ...rest] = path.replace(/^\/+/, '').split('/')
  const container = state.accounts.get(request.account)?.containers.get(name)
  return container === undefined ? undefined : findObject(state, container, rest.join('/'))
}
