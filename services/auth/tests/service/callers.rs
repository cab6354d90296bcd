use reen_auth::NAME;
use reen_proto::auth::v1::api_keys_client::ApiKeysClient;
use reen_proto::auth::v1::auth_client::AuthClient;
use reen_proto::auth::v1::recovery_client::RecoveryClient;
use reen_proto::auth::v1::second_factors_client::SecondFactorsClient;
use reen_proto::auth::v1::signing_keys_client::SigningKeysClient;
use reen_proto::auth::v1::{
    AnonymiseUserRequest, BeginSecondFactorRequest, ChangePasswordRequest, ChangeRoleRequest,
    ChargeFeeRequest, ConfirmSecondFactorRequest, CreateApiKeyRequest, EndSecondFactorRequest,
    FindContactsRequest, FindUsersRequest, ForgetClerkUserRequest, ForgetPurchaseRequest,
    GetBalanceRequest, GetClerkJwksRequest, GetJwksRequest, GetUserRequest, IssueTokenRequest,
    ListApiKeysRequest, ListKeysRequest, ListUsersRequest, PostRefundRequest, PostSaleRequest,
    RecordPurchaseRequest, RefreshSessionRequest, RenewRecoveryCodesRequest,
    RequestEmailVerificationRequest, RequestPasswordResetRequest, ResetPasswordRequest,
    ResolveApiKeyRequest, ResolveClerkUserRequest, ReverseFeeRequest, ReverseSaleRequest,
    RevokeApiKeyRequest, RotateKeysRequest, SetOperatorRequest, SignInRequest,
    SignOutEverywhereRequest, SignOutRequest, SignUpRequest, SyncClerkUserRequest,
    UpdateProfileRequest, VerifyEmailRequest,
};
use reen_testkit::{AccessTable, Method, methods};

use crate::support::Auth;

/// Every process, and one that is none of the mesh.
const EVERYBODY: &[&str] = &[
    "gateway",
    "auth",
    "products",
    "cart-items",
    "checkout",
    "orders",
    "events-handler",
    "reen",
    "stranger",
];
const GATEWAY: &[&str] = &["gateway"];
const JOINERS: &[&str] = &["gateway", "products", "orders", "events-handler"];
const CATALOGUE: &[&str] = &["products"];
const SAGAS: &[&str] = &["events-handler"];

fn access_table(auth: &Auth) -> AccessTable {
    let mut methods = methods! { AuthClient;
        sign_up(SignUpRequest::default()) => GATEWAY,
        sign_in(SignInRequest::default()) => GATEWAY,
        refresh_session(RefreshSessionRequest::default()) => GATEWAY,
        sign_out(SignOutRequest::default()) => GATEWAY,
        sign_out_everywhere(SignOutEverywhereRequest {}) => GATEWAY,
        change_password(ChangePasswordRequest::default()) => GATEWAY,
        get_jwks(GetJwksRequest {}) => GATEWAY,
        get_clerk_jwks(GetClerkJwksRequest {}) => GATEWAY,
        resolve_clerk_user(ResolveClerkUserRequest::default()) => GATEWAY,
        get_user(GetUserRequest::default()) => GATEWAY,
        list_users(ListUsersRequest::default()) => GATEWAY,
        update_profile(UpdateProfileRequest::default()) => GATEWAY,
        change_role(ChangeRoleRequest::default()) => GATEWAY,
        set_operator(SetOperatorRequest::default()) => &["reen"],
        find_users(FindUsersRequest::default()) => JOINERS,
        get_balance(GetBalanceRequest::default()) => &["gateway", "checkout"],
        charge_fee(ChargeFeeRequest::default()) => CATALOGUE,
        reverse_fee(ReverseFeeRequest::default()) => CATALOGUE,
        find_contacts(FindContactsRequest::default()) => SAGAS,
        anonymise_user(AnonymiseUserRequest::default()) => SAGAS,
        sync_clerk_user(SyncClerkUserRequest::default()) => SAGAS,
        forget_clerk_user(ForgetClerkUserRequest::default()) => SAGAS,
        post_sale(PostSaleRequest::default()) => SAGAS,
        reverse_sale(ReverseSaleRequest::default()) => SAGAS,
        post_refund(PostRefundRequest::default()) => SAGAS,
        record_purchase(RecordPurchaseRequest::default()) => SAGAS,
        forget_purchase(ForgetPurchaseRequest::default()) => SAGAS,
    };
    methods.extend(methods_of_credentials());
    methods.extend(methods_of_letters_and_keys());
    AccessTable {
        service: NAME,
        address: auth.address,
        processes: EVERYBODY,
        methods,
    }
}

/// Of the second factor and of API keys.
fn methods_of_credentials() -> Vec<Method> {
    let mut methods = methods! { SecondFactorsClient;
        begin_second_factor(BeginSecondFactorRequest::default()) => GATEWAY,
        confirm_second_factor(ConfirmSecondFactorRequest::default()) => GATEWAY,
        end_second_factor(EndSecondFactorRequest::default()) => GATEWAY,
        renew_recovery_codes(RenewRecoveryCodesRequest::default()) => GATEWAY,
    };
    methods.extend(methods! { ApiKeysClient;
        create_api_key(CreateApiKeyRequest::default()) => GATEWAY,
        list_api_keys(ListApiKeysRequest {}) => GATEWAY,
        revoke_api_key(RevokeApiKeyRequest::default()) => GATEWAY,
        resolve_api_key(ResolveApiKeyRequest::default()) => GATEWAY,
    });
    methods
}

/// Of what letters prove, and of the keys that sign.
fn methods_of_letters_and_keys() -> Vec<Method> {
    let mut methods = methods! { RecoveryClient;
        request_password_reset(RequestPasswordResetRequest::default()) => GATEWAY,
        reset_password(ResetPasswordRequest::default()) => GATEWAY,
        request_email_verification(RequestEmailVerificationRequest {}) => GATEWAY,
        verify_email(VerifyEmailRequest::default()) => GATEWAY,
        issue_token(IssueTokenRequest::default()) => SAGAS,
    };
    methods.extend(methods! { SigningKeysClient;
        list_keys(ListKeysRequest {}) => &["reen"],
        rotate_keys(RotateKeysRequest {}) => &["reen"],
    });
    methods
}

#[tokio::test]
async fn each_call_is_for_those_who_need_it() {
    let auth = Auth::start().await;
    let table = access_table(&auth);
    table.assert_each_method_is_for_its_callers().await;
}

#[tokio::test]
async fn nobody_is_served_without_an_identity() {
    let auth = Auth::start().await;
    let table = access_table(&auth);
    table.assert_only_true_identities_are_served().await;
}
