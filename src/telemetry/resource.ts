import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { version } from '../version.ts';

/** The resource of all metrics and traces: this gateway, and the attributes of OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME. */
export function gatewayResource(): Resource {
  const own = resourceFromAttributes({ 'service.name': 'finetune-gateway', 'service.version': version });
  return defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [envDetector] }));
}
