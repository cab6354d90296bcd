//! The laws of the cache, without HTTP; on a real Redis where it matters.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bson::oid::ObjectId;
use futures::future::join_all;
use reen_proto::products::v1::Product;
use reen_testkit::{Backends, eventually};
use secrecy::SecretString;
use tokio::sync::Notify;

use super::*;
use crate::version::Version;
use crate::views::products::ProductView;

const BYTES: u64 = 1024 * 1024;
const REMEMBERED_WILL_DO: ReadHeaders = ReadHeaders {
    known: None,
    for_the_truth: false,
};

/// What is loaded: an answer that tells how often it was.
#[derive(Default)]
struct Source {
    loads: AtomicUsize,
    fails: Option<Code>,
}

impl Source {
    async fn load(&self) -> Result<Answer, Error> {
        let number = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::task::yield_now().await;
        match self.fails {
            Some(code) => Err(Error::of(code)),
            None => Answer::showing(&number),
        }
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

fn somewhere() -> (String, Key) {
    let id = ObjectId::new().to_hex();
    let key = Key::product(Version::First, &id);
    (id, key)
}

fn alone() -> Cache {
    Cache::new(BYTES, None)
}

fn line() -> Line {
    Line::to(&SecretString::from(Backends::find().redis)).unwrap()
}

async fn ask(cache: &Cache, key: &Key, source: &Source) -> Result<Answer, Error> {
    cache
        .answer(key, &REMEMBERED_WILL_DO, || source.load())
        .await
}

#[tokio::test]
async fn a_hundred_who_ask_at_once_make_one_load() {
    let (cache, source, (_, key)) = (alone(), Source::default(), somewhere());
    let asking = (0..100).map(|_| ask(&cache, &key, &source));
    let answers = join_all(asking).await;
    assert_eq!(source.loads(), 1);
    let one = Answer::showing(&1).unwrap();
    assert!(answers.into_iter().all(|answer| answer.unwrap() == one));
}

#[tokio::test]
async fn what_is_forgotten_is_loaded_anew_and_nothing_else_is() {
    let (cache, source) = (alone(), Source::default());
    let ((id, key), (_, other)) = (somewhere(), somewhere());
    ask(&cache, &key, &source).await.unwrap();
    ask(&cache, &other, &source).await.unwrap();
    cache.forget_products(&[id]).await;
    ask(&cache, &other, &source).await.unwrap();
    assert_eq!(source.loads(), 2);
    ask(&cache, &key, &source).await.unwrap();
    assert_eq!(source.loads(), 3);
    cache.forget_everything();
    ask(&cache, &other, &source).await.unwrap();
    assert_eq!(source.loads(), 4);
}

#[tokio::test]
async fn a_load_that_is_overtaken_by_a_change_is_not_kept_and_not_waited_for() {
    let (cache, (id, key)) = (alone(), somewhere());
    let (began, may_end) = (Notify::new(), Notify::new());
    let slow = || async {
        began.notify_one();
        may_end.notified().await;
        Answer::showing(&"old")
    };
    let first = cache.answer(&key, &REMEMBERED_WILL_DO, slow);
    let meanwhile = async {
        began.notified().await;
        cache.forget_products(&[&id]).await;
        let new = || async { Answer::showing(&"new") };
        let second = cache.answer(&key, &REMEMBERED_WILL_DO, new).await;
        may_end.notify_one();
        second
    };
    let (first, second) = futures::join!(first, meanwhile);
    assert_eq!(first.unwrap(), Answer::showing(&"old").unwrap());
    let new = Answer::showing(&"new").unwrap();
    assert_eq!(second.unwrap(), new);
    let never = || async { Err(Error::of(Code::Internal)) };
    let kept = cache.answer(&key, &REMEMBERED_WILL_DO, never).await;
    assert_eq!(kept.unwrap(), new);
}

#[tokio::test]
async fn failures_are_not_kept_but_that_there_is_nothing_is() {
    let cache = alone();
    for (code, loads) in [(Code::Unavailable, 2), (Code::NotFound, 1)] {
        let fails = Some(code);
        let source = Source {
            fails,
            ..Source::default()
        };
        let (_, key) = somewhere();
        for _ in 0..2 {
            let refused = ask(&cache, &key, &source).await.unwrap_err();
            assert_eq!(refused.code(), code);
        }
        assert_eq!(source.loads(), loads, "{code:?}");
    }
}

#[tokio::test]
async fn who_asks_for_the_truth_gets_it_and_so_does_everybody_when_it_is_off() {
    let (_, key) = somewhere();
    let (cache, source) = (alone(), Source::default());
    let truth = ReadHeaders {
        known: None,
        for_the_truth: true,
    };
    ask(&cache, &key, &source).await.unwrap();
    cache.answer(&key, &truth, || source.load()).await.unwrap();
    assert_eq!(source.loads(), 2);
    let off = Cache::new(0, Some(line()));
    for loads in 3..5 {
        ask(&off, &key, &source).await.unwrap();
        assert_eq!(source.loads(), loads);
    }
}

#[tokio::test]
async fn nobody_is_named_in_what_everybody_gets() {
    let (cache, (_, key)) = (alone(), somewhere());
    let context = CallContext {
        user: Some("66f0c0ffee66f0c0ffee0001".into()),
        ..CallContext::default()
    };
    let load = || async { Answer::showing(&CallContext::current().user) };
    let asking = cache.answer(&key, &REMEMBERED_WILL_DO, load);
    let answer = context.scope(asking).await.unwrap();
    assert_eq!(answer, Answer::showing(&()).unwrap());
}

#[tokio::test]
async fn what_one_gateway_loaded_the_others_have() {
    let (first, second) = (
        Cache::new(BYTES, Some(line())),
        Cache::new(BYTES, Some(line())),
    );
    let source = Source::default();
    eventually("an answer from Redis", async || {
        let (before, (_, key)) = (source.loads(), somewhere());
        let one = ask(&first, &key, &source).await.unwrap();
        let other = ask(&second, &key, &source).await.unwrap();
        (source.loads() == before + 1 && one == other).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_redis_still_has_of_the_time_before_is_not_shown() {
    let (first, second) = (
        Cache::new(BYTES, Some(line())),
        Cache::new(BYTES, Some(line())),
    );
    let source = Source::default();
    for _ in 0..20 {
        let (_, key) = somewhere();
        ask(&first, &key, &source).await.unwrap();
        second.forget_everything();
        let before = source.loads();
        ask(&second, &key, &source).await.unwrap();
        assert_eq!(source.loads(), before + 1);
    }
}

#[tokio::test]
async fn a_lease_is_given_once_and_ends_with_what_it_is_for() {
    let (far, (_, key)) = (
        Arc::new(Far::on(line(), reen_testkit::PATIENCE)),
        somewhere(),
    );
    let texts = [key.text().to_string()];
    let Look::Granted(old) = far.look(&key).await else {
        panic!("somebody else has the lease");
    };
    assert!(matches!(far.look(&key).await, Look::Nothing), "given twice");
    far.drop_all(&texts).await;
    let Look::Granted(new) = far.look(&key).await else {
        panic!("the lease outlived what it was for");
    };
    let [stale, fresh] = ["stale", "fresh"].map(|word| Answer::showing(&word).unwrap());
    Arc::clone(&far).settle(&key, old, Some(stale));
    Arc::clone(&far).settle(&key, new, Some(fresh.clone()));
    let found = eventually("the answer of the new lease", async || {
        match far.look(&key).await {
            Look::Found(found) => Some(found),
            Look::Granted(_) | Look::Nothing => None,
        }
    })
    .await;
    assert_eq!(found.answer, fresh);
    assert!(found.ends <= Instant::now() + key.lifetime());
}

#[tokio::test]
async fn products_beside_something_are_loaded_once_and_anew_when_they_change() {
    let (cache, (lamp, _), (chair, _)) = (alone(), somewhere(), somewhere());
    let both = || BTreeSet::from([lamp.clone(), chair.clone()]);
    let asked = Mutex::new(Vec::new());
    let load = |ids: BTreeSet<String>| {
        let views = ids.iter().map(|id| (id.clone(), a_product()));
        let views = views.collect();
        asked.lock().unwrap().push(ids);
        async { Ok(views) }
    };
    for _ in 0..3 {
        let shown = cache
            .beside(|kinds| &kinds.products, both(), load)
            .await
            .unwrap();
        assert_eq!(shown.len(), 2);
    }
    cache.forget_products(&[&lamp]).await;
    cache
        .beside(|kinds| &kinds.products, both(), load)
        .await
        .unwrap();
    let expected = [both(), BTreeSet::from([lamp.clone()])];
    assert_eq!(*asked.lock().unwrap(), expected);
    let off = Cache::new(0, None);
    for _ in 0..2 {
        off.beside(|kinds| &kinds.products, both(), load)
            .await
            .unwrap();
    }
    assert_eq!(asked.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_name_and_a_count_are_loaded_anew_when_their_own_subject_changes() {
    let (cache, (seller, _), (lamp, _)) = (alone(), somewhere(), somewhere());
    let loads = AtomicUsize::new(0);
    let ask = async || {
        let gone = async |ids: BTreeSet<String>| {
            loads.fetch_add(1, Ordering::SeqCst);
            Ok(ids.into_iter().map(|id| (id, None)).collect())
        };
        let seven = async |ids: BTreeSet<String>| {
            loads.fetch_add(10, Ordering::SeqCst);
            Ok(ids.into_iter().map(|id| (id, 7)).collect())
        };
        let names = cache.beside(|kinds| &kinds.names, BTreeSet::from([seller.clone()]), gone);
        assert_eq!(names.await.unwrap()[&seller], None);
        let counts = cache.beside(|kinds| &kinds.counts, BTreeSet::from([lamp.clone()]), seven);
        assert_eq!(counts.await.unwrap()[&lamp], 7);
        loads.load(Ordering::SeqCst)
    };
    assert_eq!((ask().await, ask().await), (11, 11));
    cache.forget_user(&seller).await;
    assert_eq!(ask().await, 12);
    cache.forget_products(&[&lamp]).await;
    assert_eq!(ask().await, 22);
}

fn a_product() -> Arc<ProductView> {
    Arc::new(ProductView::new(Product::default(), None, 0))
}
