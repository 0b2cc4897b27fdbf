# The answers that the API gives itself, as RFC 9457 problem details like the function's answers. Each names a kind of
# problem; problems.json has status, type and title of each kind, as the program answers them. docs/http-api.md lists them.

locals {
  problems = jsondecode(file("${path.module}/problems.json"))

  # The function may have queued the event before it failed to answer. A 503 would say that no event was accepted.
  not_known = "Whether anything was accepted is not known. Send the same events again: with the same source and id they are stored once."

  # API Gateway's types of answers. Those that are not listed here have the answer of DEFAULT_4XX or DEFAULT_5XX.
  refused_by_gateway = {
    # API Gateway's name for "no such route": it checks for credentials first.
    MISSING_AUTHENTICATION_TOKEN = var.authorization == "NONE" ? {
      problem = "not-found", detail = "Events are taken in by POST /events."
    } : { problem = "forbidden", detail = "Events are taken in by POST /events, signed with AWS Signature Version 4." }
    RESOURCE_NOT_FOUND = { problem = "not-found", detail = "Events are taken in by POST /events." }

    ACCESS_DENIED     = { problem = "forbidden", detail = "These credentials may not call execute-api:Invoke on this API. Nothing was accepted." }
    UNAUTHORIZED      = { problem = "forbidden", detail = "These credentials may not call execute-api:Invoke on this API. Nothing was accepted." }
    INVALID_API_KEY   = { problem = "forbidden", detail = "The API key is not valid. Nothing was accepted." }
    INVALID_SIGNATURE = { problem = "forbidden", detail = "The request's signature is wrong: it must be made for this host and path, with the body as it is sent. Nothing was accepted." }
    EXPIRED_TOKEN     = { problem = "forbidden", detail = "The credentials or the signature have expired. Nothing was accepted; sign again." }
    WAF_FILTERED      = { problem = "forbidden", detail = "The web ACL refused the request. Nothing was accepted." }

    THROTTLED      = { problem = "throttled", detail = "More requests came in than this API takes. Nothing was accepted; send again after a pause." }
    QUOTA_EXCEEDED = { problem = "throttled", detail = "The quota of this client is used up. Nothing was accepted." }

    REQUEST_TOO_LARGE      = { problem = "request-too-large", detail = "A request may have ${var.max_request_bytes} bytes. Nothing was accepted; send the events in smaller batches." }
    UNSUPPORTED_MEDIA_TYPE = { problem = "unsupported-media-type", detail = "This content-type is not accepted. Nothing was accepted." }
    DEFAULT_4XX            = { problem = "invalid-request", detail = "API Gateway could not read the request. Nothing was accepted." }

    INTEGRATION_TIMEOUT = { problem = "function-timed-out", detail = local.not_known }
    INTEGRATION_FAILURE = { problem = "function-failed", detail = local.not_known }
    DEFAULT_5XX         = { problem = "function-failed", detail = local.not_known }
  }

  refusals = { for name, refusal in local.refused_by_gateway : name => merge(local.problems[refusal.problem], { detail = refusal.detail }) }
}

resource "aws_api_gateway_gateway_response" "refusal" {
  for_each = local.refusals

  rest_api_id   = aws_api_gateway_rest_api.this.id
  response_type = each.key
  status_code   = tostring(each.value.status)

  response_parameters = merge(
    { "gatewayresponse.header.Content-Type" = "'application/problem+json'" },
    each.value.retry_after_s == null ? {} : { "gatewayresponse.header.Retry-After" = "'${each.value.retry_after_s}'" },
  )

  # `instance` identifies the request; it is the id in the access log.
  response_templates = {
    "application/json" = jsonencode({
      type     = each.value.type
      title    = each.value.title
      status   = each.value.status
      detail   = each.value.detail
      instance = "urn:request:$context.requestId"
    })
  }
}
