import type { Dispatcher } from 'undici';

/** Tells when a request is about to be written to a connected socket: before that the other side has seen nothing of it. */
export function onSendInterceptor(onSend: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    const start = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (controller, context) => {
      onSend();
      start?.(controller, context);
    };
    return dispatch(options, handler);
  };
}
