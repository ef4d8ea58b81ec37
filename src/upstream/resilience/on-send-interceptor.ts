import type { Dispatcher } from 'undici';

/** Calls `onSend` before a request is written to a connected socket: until then the upstream has received nothing of it. */
export function createOnSendInterceptor(onSend: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    const onRequestStart = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (controller, context) => {
      onSend();
      onRequestStart?.(controller, context);
    };
    return dispatch(options, handler);
  };
}
