import { useLayoutEffect, useRef } from 'preact/hooks';
import { searchParams, setSearchParams } from '../app/router.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { FilterInput } from '../ui/filter-input.tsx';
import { formatNumber, formatTime } from '../ui/formats.ts';
import { filterEvents, type JobEvent, LEVELS, type LevelFilter } from './event-list.ts';
import { type EventStore, MAX_LOADED } from './event-store.ts';

const LEVEL_NAMES: Readonly<Record<LevelFilter, string>> = { ALL: 'All levels', WARN: 'Warnings', ERROR: 'Errors' };
/** Rows of the newest events: more would make the page slow. A search finds the others. */
const MAX_ROWS = 500;
/** Distance from the newest event at which the user has scrolled away from it. */
const SCROLLED_PX = 40;

export function Events({ store, isLive }: { store: EventStore; isLive: boolean }) {
  const { events, error, hasOlder, loadOlder } = store;
  const count = events.value?.length ?? 0;
  const params = searchParams.value;
  const level = LEVELS.find((name) => name === params.get('level')) ?? 'ALL';
  const search = params.get('q') ?? '';
  const isFollowing = params.get('follow') !== '0';
  const matching = filterEvents(events.value ?? [], level, search);
  const setFollowing = (isOn: boolean) => setSearchParams({ follow: isOn ? null : '0' });
  return (
    <section class="job-section" aria-labelledby="events-heading">
      <div class="events-header">
        <h2 id="events-heading">Events</h2>
        <select
          aria-label="Level"
          value={level}
          onChange={(event) =>
            setSearchParams({ level: event.currentTarget.value === 'ALL' ? null : event.currentTarget.value })
          }
        >
          {LEVELS.map((name) => (
            <option key={name} value={name}>
              {LEVEL_NAMES[name]}
            </option>
          ))}
        </select>
        <FilterInput
          type="search"
          label="Search the messages"
          placeholder="Search the messages"
          value={search}
          onText={(text) => setSearchParams({ q: text || null })}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={isFollowing}
            onChange={(event) => setFollowing(event.currentTarget.checked)}
          />
          Follow
        </label>
        <span class="quiet events-count">
          {formatNumber(matching.length)} of {hasOlder.value && 'the newest '}
          {formatNumber(count)}
        </span>
      </div>
      {error.value && <ErrorNotice error={error.value} onRetry={loadOlder} />}
      {hasOlder.value && <OlderEvents store={store} count={count} />}
      <EventList events={matching.slice(-MAX_ROWS)} isLive={isLive} isFollowing={isFollowing} onFollow={setFollowing} />
      {matching.length > MAX_ROWS && (
        <p class="quiet">Shows the newest {MAX_ROWS} of these events. A search finds the others.</p>
      )}
      {events.value !== null && matching.length === 0 && (
        <p class="quiet">{events.value.length === 0 ? 'The job has no events yet.' : 'No loaded event matches.'}</p>
      )}
    </section>
  );
}

/** Says that events are missing, and loads them. */
function OlderEvents({ store: { isLoadingAll, loadOlder, loadAll }, count }: { store: EventStore; count: number }) {
  const isLoading = isLoadingAll.value;
  return (
    <div class="events-older">
      <span class="quiet" role="status">
        {isLoading ? 'Loading: the' : 'The'} newest {formatNumber(count)} events are loaded. The search does not find
        older ones.
      </span>
      <button type="button" class="button" disabled={isLoading} onClick={loadOlder}>
        Load older events
      </button>
      <button type="button" class="button" disabled={isLoading} onClick={loadAll}>
        Load all (at most {formatNumber(MAX_LOADED)})
      </button>
    </div>
  );
}

interface EventListProps {
  events: readonly JobEvent[];
  /** Its height stays the same while events come. */
  isLive: boolean;
  isFollowing: boolean;
  onFollow: (isOn: boolean) => void;
}

/** Oldest first. While it follows, the newest event is in sight; it follows no more when the user scrolls up. */
function EventList({ events, isLive, isFollowing, onFollow }: EventListProps) {
  const list = useRef<HTMLOListElement>(null);
  const newestId = events.at(-1)?.id;
  const knownHeight = useRef(0);
  const showNewest = (element: HTMLElement) => {
    knownHeight.current = element.scrollHeight;
    element.scrollTop = element.scrollHeight;
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new event scrolls.
  useLayoutEffect(() => {
    const element = list.current;
    if (isFollowing && element !== null) showNewest(element);
  }, [isFollowing, newestId, events.length]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it uses refs only.
  useLayoutEffect(() => {
    const element = list.current;
    if (!isFollowing || element === null) return;
    const observer = new ResizeObserver(() => showNewest(element)); // Lines wrap in another way.
    observer.observe(element);
    return () => observer.disconnect();
  }, [isFollowing]);
  const onScroll = ({ currentTarget }: Event) => {
    const element = currentTarget as HTMLElement; // The list.
    const { scrollHeight, scrollTop, clientHeight } = element;
    if (!isFollowing || scrollHeight - scrollTop - clientHeight <= SCROLLED_PX) return;
    if (scrollHeight === knownHeight.current) onFollow(false);
    else showNewest(element); // The width has changed, and the user has not scrolled.
  };
  return (
    <ol
      ref={list}
      class={`event-list ${isLive ? 'event-list-live' : ''}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls.
      tabIndex={0}
      aria-label="Events, the newest last"
      onScroll={onScroll}
    >
      {events.map(({ id, createdAt, level, rawLevel, message }) => (
        <li key={id} class={`event event-${level.toLowerCase()}`} data-event={id}>
          <time dateTime={new Date(createdAt * 1000).toISOString()}>{formatTime(createdAt)}</time>
          <span class="event-level">{level === 'UNKNOWN' ? rawLevel : level.toLowerCase()}</span>
          <span class="event-message">{message}</span>
        </li>
      ))}
    </ol>
  );
}
