import diagnostics, { type ChannelListener } from 'node:diagnostics_channel';
import { syncBuiltinESMExports } from 'node:module';

// Loaded into a measured gateway before its own program: turns its listeners for events off and on, while it runs. So both
// are measured in one process, whose compiled code and memory are the same.

/** A message of the bench. The reply is `true`. */
export interface SwitchCommand {
  readonly telemetry: 'on' | 'off';
}

type Channel = ReturnType<typeof diagnostics.channel>;

const listeners: { readonly channel: Channel; readonly listener: ChannelListener }[] = [];
const channelOf = diagnostics.channel;

diagnostics.channel = (name) => {
  const channel = channelOf(name);
  if (String(name).startsWith('finetune.')) watch(channel);
  return channel;
};
syncBuiltinESMExports();

/** Notes the next listener, and those that follow. */
function watch(channel: Channel): void {
  channel.subscribe = (listener) => {
    listeners.push({ channel, listener });
    Reflect.deleteProperty(channel, 'subscribe'); // Its class has one, which calls itself by this name.
    channel.subscribe(listener);
    watch(channel);
  };
}

process.on('message', (message: SwitchCommand | string) => {
  if (typeof message === 'string') return; // For the meter.
  for (const { channel, listener } of listeners) {
    Reflect.deleteProperty(channel, 'subscribe'); // All are known.
    if (message.telemetry === 'on') channel.subscribe(listener);
    else channel.unsubscribe(listener);
  }
  process.send?.(listeners.length > 0);
});
