# The answers that the API gives itself, as RFC 9457 problem details like the function's answers. Statuses and types are
# those of docs/http-api.md; a test compares them.

locals {
  forbidden = { status = 403, type = "forbidden", title = "The request is forbidden", retry_after = null }
  throttled = { status = 429, type = "throttled", title = "Too many requests" }

  # The function may have queued the event before it failed to answer. A 503 would say that no event was accepted.
  function_failed = {
    type   = "function-failed", title = "The request could not be processed", retry_after = 5
    detail = "Whether anything was accepted is not known. Send the same events again: with the same source and id they are stored once."
  }

  refusals = {
    # API Gateway's name for "no such route": it checks for credentials first.
    MISSING_AUTHENTICATION_TOKEN = var.authorization == "NONE" ? {
      status = 404, type = "not-found", title = "There is nothing at this path", retry_after = null
      detail = "Events are taken in by POST /events."
    } : merge(local.forbidden, { detail = "Events are taken in by POST /events, signed with AWS Signature Version 4." })

    ACCESS_DENIED     = merge(local.forbidden, { detail = "These credentials may not call execute-api:Invoke on this API. Nothing was accepted." })
    INVALID_SIGNATURE = merge(local.forbidden, { detail = "The request's signature is wrong: it must be made for this host and path, with the body as it is sent. Nothing was accepted." })
    EXPIRED_TOKEN     = merge(local.forbidden, { detail = "The credentials or the signature have expired. Nothing was accepted; sign again." })
    WAF_FILTERED      = merge(local.forbidden, { detail = "The web ACL refused the request. Nothing was accepted." })

    THROTTLED      = merge(local.throttled, { retry_after = 1, detail = "More requests came in than this API takes. Nothing was accepted; send again after a pause." })
    QUOTA_EXCEEDED = merge(local.throttled, { retry_after = 60, detail = "The quota of this client is used up. Nothing was accepted." })

    REQUEST_TOO_LARGE = {
      status = 413, type = "request-too-large", title = "The request is too large", retry_after = null
      detail = "A request may have ${var.max_request_bytes} bytes. Nothing was accepted; send the events in smaller batches."
    }

    INTEGRATION_TIMEOUT = merge(local.function_failed, { status = 504 })
    INTEGRATION_FAILURE = merge(local.function_failed, { status = 502 })
    DEFAULT_5XX         = merge(local.function_failed, { status = 502 })
  }
}

resource "aws_api_gateway_gateway_response" "refusal" {
  for_each = local.refusals

  rest_api_id   = aws_api_gateway_rest_api.this.id
  response_type = each.key
  status_code   = tostring(each.value.status)

  response_parameters = merge(
    { "gatewayresponse.header.Content-Type" = "'application/problem+json'" },
    each.value.retry_after == null ? {} : { "gatewayresponse.header.Retry-After" = "'${each.value.retry_after}'" },
  )

  # `instance` identifies the request; it is the id in the access log.
  response_templates = {
    "application/json" = jsonencode({
      type     = "/problems/${each.value.type}"
      title    = each.value.title
      status   = each.value.status
      detail   = each.value.detail
      instance = "urn:request:$context.requestId"
    })
  }
}
