use tonic::Code as Grpc;

/// What a caller that may repeat itself (a saga, a client with retries) makes of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// The same call will fail again: give up, compensate.
    Final,
    /// The call may or may not have had its effect; the same call later settles it.
    Retry,
}

macro_rules! codes {
    ($($variant:ident = $word:literal, $grpc:ident, $http:literal, $handling:ident, $title:literal;)+) => {
        /// Every way a request can fail, as a client, a saga and an operator see it.
        ///
        /// The words are part of the REST contract: they are never renamed, only added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)+
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable machine word, as in `code` of a problem document.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The gRPC status that carries this code between services.
            #[must_use]
            pub const fn grpc(self) -> Grpc {
                match self { $(Self::$variant => Grpc::$grpc,)+ }
            }

            /// The HTTP status that carries this code to a client.
            #[must_use]
            pub const fn http(self) -> u16 {
                match self { $(Self::$variant => $http,)+ }
            }

            /// Whether repeating the same call can help.
            #[must_use]
            pub const fn handling(self) -> Handling {
                match self { $(Self::$variant => Handling::$handling,)+ }
            }

            /// A short sentence that is the same for every occurrence (`title` of RFC 9457).
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

codes! {
    // The request itself.
    MalformedBody = "malformed_body", InvalidArgument, 400, Final, "The body is not valid JSON";
    BadQuery = "bad_query", InvalidArgument, 400, Final, "The query string is not valid";
    BadCursor = "bad_cursor", InvalidArgument, 400, Final, "The cursor is not one of this list";
    UnknownVersion = "unknown_version", InvalidArgument, 400, Final, "There is no such version of the interface";
    BadHeader = "bad_header", InvalidArgument, 400, Final, "A header is not valid";
    BadIdempotencyKey = "bad_idempotency_key", InvalidArgument, 400, Final, "The Idempotency-Key is not valid";
    IdempotencyKeyReused = "idempotency_key_reused", FailedPrecondition, 422, Final, "The Idempotency-Key names another request";
    IdempotencyInFlight = "idempotency_in_flight", Aborted, 409, Retry, "This request is still being worked on";
    BadSignature = "bad_signature", InvalidArgument, 400, Final, "The signature does not match";
    ValidationFailed = "validation_failed", InvalidArgument, 422, Final, "Some fields are not valid";
    BodyTooLarge = "body_too_large", InvalidArgument, 413, Final, "The body is too large";
    RequestTimeout = "request_timeout", DeadlineExceeded, 408, Final, "The request did not arrive in time";
    AddressTooLong = "address_too_long", InvalidArgument, 414, Final, "The address is too long";
    HeadersTooLarge = "headers_too_large", InvalidArgument, 431, Final, "There are too many headers, or they are too long";
    UnsupportedMediaType = "unsupported_media_type", InvalidArgument, 415, Final, "The content type is not supported";
    RouteNotFound = "route_not_found", NotFound, 404, Final, "There is no such route";
    MethodNotAllowed = "method_not_allowed", Unimplemented, 405, Final, "The route does not take this method";

    // Who asks.
    Unauthenticated = "unauthenticated", Unauthenticated, 401, Final, "Sign in first";
    InvalidCredentials = "invalid_credentials", Unauthenticated, 401, Final, "The e-mail or the password is wrong";
    SecondFactorRequired = "second_factor_required", Unauthenticated, 401, Final, "A code of the second factor is needed as well";
    InvalidCode = "invalid_code", Unauthenticated, 401, Final, "The code is wrong, or was used already";
    InvalidToken = "invalid_token", FailedPrecondition, 400, Final, "The link was used or has expired";
    TooManyAttempts = "too_many_attempts", ResourceExhausted, 429, Retry, "Too many wrong attempts; try again later";
    InvalidRefreshToken = "invalid_refresh_token", Unauthenticated, 401, Final, "The session is over; sign in again";
    Forbidden = "forbidden", PermissionDenied, 403, Final, "Your role does not allow this";
    InsufficientScope = "insufficient_scope", PermissionDenied, 403, Final, "This API key may not do this";
    UnknownCaller = "unknown_caller", PermissionDenied, 403, Final, "The calling service is not allowed to do this";

    // What is there.
    NotFound = "not_found", NotFound, 404, Final, "Not found";
    EmailTaken = "email_taken", AlreadyExists, 409, Final, "The e-mail address is taken";
    AlreadyInRole = "already_in_role", FailedPrecondition, 409, Final, "You have this role already";
    SecondFactorOn = "second_factor_on", FailedPrecondition, 409, Final, "The second factor is on already";
    SecondFactorOff = "second_factor_off", FailedPrecondition, 409, Final, "The second factor is not on";
    TooManyApiKeys = "too_many_api_keys", FailedPrecondition, 409, Final, "There are as many API keys as there may be";
    PreconditionFailed = "precondition_failed", FailedPrecondition, 412, Final, "The version does not match";
    VersionMismatch = "version_mismatch", Aborted, 409, Final, "It was changed by somebody else meanwhile";
    IllegalTransition = "illegal_transition", FailedPrecondition, 409, Final, "The status cannot change like this";

    // Money and stock.
    InsufficientBalance = "insufficient_balance", FailedPrecondition, 409, Final, "The balance is too low";
    InsufficientStock = "insufficient_stock", FailedPrecondition, 409, Final, "There is not enough in stock";
    TotalTooLarge = "total_too_large", FailedPrecondition, 409, Final, "The total is more than one payment can carry";
    TotalTooSmall = "total_too_small", FailedPrecondition, 409, Final, "The total is less than one payment must carry";
    RefundExceedsPayment = "refund_exceeds_payment", FailedPrecondition, 409, Final, "There is not so much left to give back";
    AmountMismatch = "amount_mismatch", FailedPrecondition, 409, Final, "The amount is not what was agreed";

    // Cart and checkout.
    EmptyCart = "empty_cart", FailedPrecondition, 400, Final, "The cart is empty";
    CartFull = "cart_full", FailedPrecondition, 409, Final, "The cart holds no more lines";
    CartChanged = "cart_changed", Aborted, 409, Final, "The cart changed meanwhile";
    CheckoutClosed = "checkout_closed", FailedPrecondition, 409, Final, "The checkout is not open any more";
    PaymentRefused = "payment_refused", FailedPrecondition, 409, Final, "The payment provider refused the request";

    // Sagas.
    HoldGone = "hold_gone", FailedPrecondition, 409, Final, "The stock is not held any more";
    HoldCommitted = "hold_committed", FailedPrecondition, 409, Final, "The stock was sold already";
    OperationVoided = "operation_voided", FailedPrecondition, 409, Final, "The operation was undone before it was done";
    StaleEpoch = "stale_epoch", Aborted, 409, Final, "A newer runner owns this saga";

    // The mesh.
    RateLimited = "rate_limited", ResourceExhausted, 429, Retry, "Too many requests; try again later";
    Overloaded = "overloaded", ResourceExhausted, 503, Retry, "Too busy; try again shortly";
    Unavailable = "unavailable", Unavailable, 503, Retry, "A needed service is away; try again shortly";
    DeadlineExceeded = "deadline_exceeded", DeadlineExceeded, 504, Retry, "It took too long";
    Internal = "internal", Internal, 500, Retry, "Something went wrong here";
}

impl Code {
    /// The code of a word, as it came over the wire.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.word() == word)
    }

    /// Whether the message may be shown to whoever asked. What went wrong inside stays inside.
    #[must_use]
    pub const fn is_public(self) -> bool {
        !matches!(
            self,
            Self::Internal | Self::Unavailable | Self::DeadlineExceeded | Self::UnknownCaller
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Code;

    #[test]
    fn words_are_unique_and_found_again() {
        let words: HashSet<_> = Code::ALL.iter().map(|code| code.word()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::from_word(code.word()), Some(*code));
        }
    }

    #[test]
    fn every_http_status_is_an_error() {
        for code in Code::ALL {
            assert!((400..600).contains(&code.http()), "{code:?}");
        }
    }
}
