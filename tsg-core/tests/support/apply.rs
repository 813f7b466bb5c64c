//! Carries a plan out on paper: what the members look like right after the engine has committed
//! every step.

use tsg_core::plan::output::Plan;
use tsg_core::plan::paper::carry_out;
use tsg_core::plan::recorded::Recorded;

use super::table::Scene;

/// The scene after every step of the plan was committed, with what is left of its budgets. What
/// each step does is [`carry_out`]'s to say; effects of new steps belong there.
pub fn applied(scene: &Scene, plan: &Plan) -> Scene {
    let mut paper = Recorded::of(&scene.input(&scene.members));
    carry_out(&mut paper, plan);
    let Recorded { members, details, memory, limits, seed, .. } = paper;
    Scene { members, details, memory, limits, seed, ..scene.clone() }
}
