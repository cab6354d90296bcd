use reen_auth::NAME;
use reen_proto::auth::v1::auth_client::AuthClient;
use reen_proto::auth::v1::{
    AnonymiseUserRequest, ChangePasswordRequest, ChangeRoleRequest, ChargeFeeRequest,
    FindContactsRequest, FindUsersRequest, ForgetClerkUserRequest, ForgetPurchaseRequest,
    GetBalanceRequest, GetClerkJwksRequest, GetJwksRequest, GetUserRequest, ListUsersRequest,
    PostRefundRequest, PostSaleRequest, RecordPurchaseRequest, RefreshSessionRequest,
    ResolveClerkUserRequest, ReverseFeeRequest, ReverseSaleRequest, SetOperatorRequest,
    SignInRequest, SignOutEverywhereRequest, SignOutRequest, SignUpRequest, SyncClerkUserRequest,
    UpdateProfileRequest,
};
use reen_testkit::{AccessTable, methods};

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
    let methods = methods! { AuthClient;
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
    AccessTable {
        service: NAME,
        address: auth.address,
        processes: EVERYBODY,
        methods,
    }
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
