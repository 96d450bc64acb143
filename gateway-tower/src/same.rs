//! A value whose type turns out to be a known one.

use std::any::{Any, TypeId};

/// `value` as a `B`, if that is what it is; bodies of ours that nobody changed cross unwrapped.
pub(crate) fn same<A: 'static, B: 'static>(value: A) -> Result<B, A> {
    if TypeId::of::<A>() != TypeId::of::<B>() {
        return Err(value);
    }
    let mut slot = Some(value);
    let same = (&mut slot as &mut dyn Any)
        .downcast_mut::<Option<B>>()
        .and_then(Option::take);
    // The types are one: the slot is an `Option<B>`, and was full.
    Ok(same.expect("a value of the type that was just compared"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_type_from_another() {
        assert_eq!(same::<u32, u32>(7), Ok(7));
        assert_eq!(same::<u32, i32>(7), Err(7));
    }
}
