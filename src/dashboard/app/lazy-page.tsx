import type { ComponentChildren, ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Page } from './page.tsx';

/** Imports the module of a component. */
type Load<Props extends object> = () => Promise<ComponentType<Props>>;

/** A page whose code is loaded when it is shown first. */
export const lazyPage = <Props extends object>(load: Load<Props>): ComponentType<Props> => lazy(load, MissingPage);

/** A part of a page whose code is loaded when it is shown first. */
export const lazyPart = <Props extends object>(load: Load<Props>): ComponentType<Props> => lazy(load, MissingPart);

function lazy<Props extends object>(load: Load<Props>, Missing: ComponentType): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined;
  return function Lazy(props: Props) {
    const [, render] = useState(0);
    const [error, setError] = useState<unknown>();
    useEffect(() => {
      if (loaded !== undefined) return;
      load().then((component) => {
        loaded = component;
        render((count) => count + 1);
      }, setError);
    }, []);
    if (error !== undefined) return <Missing />;
    const Loaded = loaded;
    return Loaded === undefined ? null : <Loaded {...props} />;
  };
}

/** The gateway has another version than this page, or it cannot be reached. */
const MissingPage = () => (
  <Page title="This page cannot be loaded">
    <Reload>The gateway cannot be reached, or it has a new version.</Reload>
  </Page>
);

const MissingPart = () => (
  <div class="notice notice-error" role="alert">
    <Reload>This part of the page cannot be loaded: the gateway cannot be reached, or it has a new version.</Reload>
  </div>
);

function Reload({ children }: { children: ComponentChildren }) {
  return (
    <>
      <p>{children}</p>
      <button type="button" class="button" onClick={() => location.reload()}>
        Reload
      </button>
    </>
  );
}
