//! Which of several replicas is asked: one that is drawn by lot, or a second one if that is clearly less
//! busy.
//!
//! Two are enough to keep the longest queue short, and looking at no more keeps callers from running to
//! the same idle one together (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing").

use rand::Rng;

/// One call more or less is chance, and says nothing about how fast a replica is.
const CHANCE: usize = 1;

/// The place of the one to ask among `count`; `None` when there is none. The one at `avoid` is taken only
/// if there is no other.
pub(super) fn choose(
    count: usize,
    avoid: Option<usize>,
    load: impl Fn(usize) -> usize,
    lots: &mut impl Rng,
) -> Option<usize> {
    match count {
        0 => return None,
        1 => return Some(0),
        _ => {}
    }
    let first = lots.random_range(0..count);
    let second = (first + lots.random_range(1..count)) % count;
    if avoid == Some(first) {
        return Some(second);
    }
    if avoid == Some(second) || load(first) <= load(second) + CHANCE {
        return Some(first);
    }
    Some(second)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::choose;

    fn draw(loads: &[usize], avoid: Option<usize>, times: usize) -> Vec<usize> {
        let mut lots = ChaCha8Rng::seed_from_u64(5);
        let mut counts = vec![0; loads.len()];
        for _ in 0..times {
            let chosen = choose(loads.len(), avoid, |place| loads[place], &mut lots);
            counts[chosen.unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn equally_busy_ones_share_evenly() {
        for replicas in 1..6 {
            let each = 10_000 / replicas;
            for count in draw(&vec![3; replicas], None, 10_000) {
                assert!(count.abs_diff(each) * 20 <= each, "{count} of {each}");
            }
        }
    }

    #[test]
    fn the_busiest_is_never_asked() {
        assert_eq!(draw(&[1, 9, 1], None, 1_000)[1], 0);
        assert_eq!(draw(&[0, 2], None, 1_000), [1_000, 0]);
    }

    #[test]
    fn one_is_avoided_where_there_is_another() {
        assert_eq!(draw(&[0, 7, 7], Some(0), 1_000)[0], 0);
        assert_eq!(draw(&[0], Some(0), 10), [10]);
    }

    #[test]
    fn nobody_is_chosen_of_none() {
        let mut lots = ChaCha8Rng::seed_from_u64(5);
        assert_eq!(choose(0, None, |_| 0, &mut lots), None);
    }
}
