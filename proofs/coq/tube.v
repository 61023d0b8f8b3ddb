(** * The tube of a trajectory

    Statement.   r_{n+1} = G_n(r_n) r_n + κ_n, with G_n(r) the growth from the centre on the ball B(y_n, r): every
                 solution that starts within r_0 of y_0 stays within r_n of y_n. If G_n(r_n) bounds the growth between
                 any two points of B(y_n, r_n), two such solutions are at most Π G_n(r_n) times as far apart as at the
                 start. For Euler G_n(r) = 1 + h_n K_n(r), K_n(r) the Lipschitz constant of f on B(y_n, r); for backward
                 Euler any K that holds between the two new states gives (r_n + ‖residual‖)/(1 − hK).
    Assumptions. any normed space; G_n(r_n) ≥ 0, a bound at r_n only; the clean state y_{n+1} is within κ_n of the exact
                 step from y_n, κ_n = 0 without rounding; the same grid for all solutions
    Source.      theory, sections 5 and 7
    Verdict.     proved as stated
    Theorems.    tube_holds_solutions, tube_radius_in_two_parts, growth_within_the_tube, euler_tube,
                 euler_growth_within_the_tube, stages_stay_in_their_balls, backward_euler_ball *)

From Coq Require Import Reals Lra List Lia.
From NatrobProofs Require Import normed_space one_step_methods theorem_3_1 backward_euler perturbed_recursion.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

(** r_{n+1} = G_n(r_n) r_n + κ_n *)
Fixpoint tube_radius (growth : nat -> R -> R) (kappa : nat -> R) (start : R) (n : nat) : R :=
  match n with
  | O => start
  | S before => growth before (tube_radius growth kappa start before) * tube_radius growth kappa start before
      + kappa before
  end.

(** G_n(r_n): the factor of step n on its own ball. *)
Definition tube_factor (growth : nat -> R -> R) (kappa : nat -> R) (start : R) (n : nat) : R :=
  growth n (tube_radius growth kappa start n).

(** r_n = (Π G) r_0 + η_n, with η_n what rounding has added: the two numbers that the code carries along. *)
Theorem tube_radius_in_two_parts : forall growth kappa start n,
  tube_radius growth kappa start n
    = product (tube_factor growth kappa start) n * start + allowance (tube_factor growth kappa start) kappa n.
Proof.
  intros growth kappa start n. induction n as [|n step]; simpl; [ring|].
  fold (tube_factor growth kappa start n). rewrite step at 1. ring.
Qed.

Section Tube.

Variable V : NormedSpace.

(** z ∈ B(center, r) *)
Definition within (center : V) (r : R) (z : V) : Prop := ‖z ⊖ center‖ <= r.

Lemma center_is_within : forall center z r, within center r z -> within center r center.
Proof.
  intros center z r inside. unfold within in *. rewrite add_opposite, norm_zero.
  pose proof (norm_nonnegative V (z ⊖ center)). lra.
Qed.

(** G bounds the growth of distances from the centre of a ball, and of all distances within it. *)
Definition grows_from_center (step : V -> V) (center : V) (r G : R) : Prop :=
  forall z, within center r z -> ‖step z ⊖ step center‖ <= G * ‖z ⊖ center‖.

Definition grows_on_ball (step : V -> V) (center : V) (r G : R) : Prop :=
  forall z y, within center r z -> within center r y -> ‖step z ⊖ step y‖ <= G * ‖z ⊖ y‖.

Theorem tube_holds_solutions : forall (step : nat -> V -> V) (y : nat -> V) growth kappa start,
  (forall n, 0 <= tube_factor growth kappa start n) ->
  (forall n, grows_from_center (step n) (y n) (tube_radius growth kappa start n) (tube_factor growth kappa start n)) ->
  (forall n, ‖step n (y n) ⊖ y (S n)‖ <= kappa n) ->
  forall z, within (y O) start z ->
  forall n, within (y n) (tube_radius growth kappa start n) (solution V step z n).
Proof.
  intros step y growth kappa start nonnegative on_ball rounding z inside n.
  induction n as [|n hypothesis]; [exact inside|]. simpl. set (r := tube_radius growth kappa start n) in *.
  set (u := solution V step z n) in *. unfold within.
  (* z' − y' = (Φz − Φy) + (Φy − y') *)
  replace (step n u ⊖ y (S n)) with ((step n u ⊖ step n (y n)) ⊕ (step n (y n) ⊖ y (S n))) by vector.
  apply Rle_trans with (‖step n u ⊖ step n (y n)‖ + ‖step n (y n) ⊖ y (S n)‖); [apply norm_triangle|].
  pose proof (on_ball n u hypothesis) as grown. unfold tube_factor in grown. fold r in grown.
  pose proof (Rmult_le_compat_l _ _ _ (nonnegative n) hypothesis) as scaled. unfold tube_factor in scaled.
  fold r in scaled.
  pose proof (rounding n). lra.
Qed.

(** Without rounding the tube lies around an exact solution, and r_n = (Π G) r_0. *)
Corollary exact_tube : forall (step : nat -> V -> V) start_y growth start,
  let radius := tube_radius growth (fun _ => 0) start in
  let factor := tube_factor growth (fun _ => 0) start in
  (forall n, 0 <= factor n) ->
  (forall n, grows_from_center (step n) (solution V step start_y n) (radius n) (factor n)) ->
  forall z, within start_y start z ->
  forall n, ‖solution V step z n ⊖ solution V step start_y n‖
    <= product factor n * start.
Proof.
  intros step start_y growth start radius factor nonnegative on_ball z inside n. subst radius factor.
  assert (forall m, allowance (tube_factor growth (fun _ => 0) start) (fun _ => 0) m = 0) as nothing.
  { intro m. induction m as [|m hypothesis]; simpl; [reflexivity|]. rewrite hypothesis. ring. }
  pose proof (tube_holds_solutions step (solution V step start_y) growth (fun _ => 0) start) as tube.
  assert (forall m, ‖step m (solution V step start_y m) ⊖ solution V step start_y (S m)‖ <= 0) as exact.
  { intro m. simpl. rewrite add_opposite, norm_zero. lra. }
  specialize (tube nonnegative on_ball exact z inside n). unfold within in tube.
  rewrite tube_radius_in_two_parts, nothing in tube. lra.
Qed.

Lemma on_ball_from_center : forall step center r G,
  grows_on_ball step center r G -> grows_from_center step center r G.
Proof.
  intros step center r G on_ball z inside. apply on_ball; [assumption|]. exact (center_is_within center z r inside).
Qed.

(** The product is a Lipschitz constant of the whole network on B(y_0, r_0). *)
Theorem growth_within_the_tube : forall (step : nat -> V -> V) (y : nat -> V) growth kappa start,
  (forall n, 0 <= tube_factor growth kappa start n) ->
  (forall n, grows_on_ball (step n) (y n) (tube_radius growth kappa start n) (tube_factor growth kappa start n)) ->
  (forall n, ‖step n (y n) ⊖ y (S n)‖ <= kappa n) ->
  forall z u, within (y O) start z -> within (y O) start u ->
  forall n, ‖solution V step z n ⊖ solution V step u n‖ <= product (tube_factor growth kappa start) n * ‖z ⊖ u‖.
Proof.
  intros step y growth kappa start nonnegative on_ball rounding z u z_inside u_inside n.
  assert (forall m, grows_from_center (step m) (y m) (tube_radius growth kappa start m)
    (tube_factor growth kappa start m)) as from_center by (intro m; apply on_ball_from_center, on_ball).
  apply (growth_along_a_pair V (solution V step z) (solution V step u)); intro m.
  - apply nonnegative.
  - simpl. apply on_ball; apply tube_holds_solutions; assumption.
Qed.

(** ** Euler's method *)

(** K is a Lipschitz constant of f(t, ·) on a ball. *)
Definition lipschitz_on_ball (f : R -> V -> V) (t : R) (center : V) (r K : R) : Prop :=
  forall z y, within center r z -> within center r y -> ‖f t z ⊖ f t y‖ <= K * ‖z ⊖ y‖.

(** y + h_n f(t_n, y), on any grid. *)
Definition euler_grid_step (f : R -> V -> V) (time size : nat -> R) (n : nat) (y : V) : V :=
  y ⊕ size n • f (time n) y.

(** G_n(r) = 1 + h_n K_n(r) *)
Definition euler_tube_growth (size : nat -> R) (constant : nat -> R -> R) (n : nat) (r : R) : R :=
  euler_growth (size n * constant n r).

Lemma euler_step_on_ball : forall f time size n center r K,
  0 < size n -> lipschitz_on_ball f (time n) center r K ->
  grows_on_ball (euler_grid_step f time size n) center r (euler_growth (size n * K)).
Proof.
  intros f time size n center r K positive constant z y z_inside y_inside. unfold euler_grid_step, euler_growth.
  set (h := size n) in *. set (t := time n) in *.
  replace ((z ⊕ h • f t z) ⊖ (y ⊕ h • f t y)) with ((z ⊖ y) ⊕ h • (f t z ⊖ f t y)) by vector.
  apply Rle_trans with (‖z ⊖ y‖ + ‖h • (f t z ⊖ f t y)‖); [apply norm_triangle|].
  rewrite norm_scale, Rabs_right by lra.
  pose proof (Rmult_le_compat_l h _ _ (Rlt_le _ _ positive) (constant z y z_inside y_inside)). lra.
Qed.

Section EulerTube.

Variable f : R -> V -> V.
Variables time size : nat -> R.
Variable y : nat -> V.
Variable constant : nat -> R -> R.
Variable kappa : nat -> R.
Variable start : R.
Let radius := tube_radius (euler_tube_growth size constant) kappa start.
Let factor := tube_factor (euler_tube_growth size constant) kappa start.
Hypothesis forward : forall n, 0 < size n.
Hypothesis constant_nonnegative : forall n, 0 <= constant n (radius n).
Hypothesis local_constant : forall n, lipschitz_on_ball f (time n) (y n) (radius n) (constant n (radius n)).
Hypothesis rounding : forall n, ‖euler_grid_step f time size n (y n) ⊖ y (S n)‖ <= kappa n.

Lemma euler_factor_nonnegative : forall n, 0 <= factor n.
Proof.
  intro n. change (factor n) with (1 + size n * constant n (radius n)).
  pose proof (Rmult_le_pos _ _ (Rlt_le _ _ (forward n)) (constant_nonnegative n)). lra.
Qed.

Lemma euler_factor_on_ball : forall n, grows_on_ball (euler_grid_step f time size n) (y n) (radius n) (factor n).
Proof.
  intro n. apply euler_step_on_ball; [apply forward|apply local_constant].
Qed.

Theorem euler_tube : forall z, within (y O) start z ->
  forall n, within (y n) (radius n) (solution V (euler_grid_step f time size) z n).
Proof.
  intros z inside. apply tube_holds_solutions; try assumption; [apply euler_factor_nonnegative|].
  intro n. apply on_ball_from_center, euler_factor_on_ball.
Qed.

Theorem euler_growth_within_the_tube : forall z u, within (y O) start z -> within (y O) start u ->
  forall n, ‖solution V (euler_grid_step f time size) z n ⊖ solution V (euler_grid_step f time size) u n‖
    <= product factor n * ‖z ⊖ u‖.
Proof.
  intros z u z_inside u_inside. apply growth_within_the_tube with (y := y); try assumption.
  - apply euler_factor_nonnegative.
  - apply euler_factor_on_ball.
Qed.

End EulerTube.

(** ** Stages *)

(** y + h Σ a_j k_j *)
Fixpoint advanced (h : R) (y : V) (weighted : list (R * V)) : V :=
  match weighted with
  | [] => y
  | (a, k) :: rest => advanced h y rest ⊕ (h * a) • k
  end.

(** ρ + h Σ |a_j| K_j ρ_j *)
Fixpoint stage_reach (h rho : R) (weighted : list (R * (R * R))) : R :=
  match weighted with
  | [] => rho
  | (a, (K, reach)) :: rest => stage_reach h rho rest + h * Rabs a * (K * reach)
  end.

(** One earlier stage: its weight, the points of the perturbed and the clean solution, its ball's K and radius. *)
Record stage : Type := { weight : R; perturbed : V; clean : V; constant_there : R; reach_there : R }.

Definition slope_of (f : R -> V -> V) (t : R) (point : stage -> V) (s : stage) : R * V := (weight s, f t (point s)).

Definition reach_of (s : stage) : R * (R * R) := (weight s, (constant_there s, reach_there s)).

(** If every earlier stage of the perturbed solution lies in the ball where its constant was taken, the next stage lies
    within r + h Σ|a_j|K_jρ_j of the clean one. By induction over the stages all of them do, and the step's end too. *)
Theorem stages_stay_in_their_balls : forall f t h z y r stages,
  0 < h -> within y r z ->
  Forall (fun s => 0 <= constant_there s /\ within (clean s) (reach_there s) (perturbed s) /\
    lipschitz_on_ball f t (clean s) (reach_there s) (constant_there s)) stages ->
  within (advanced h y (map (slope_of f t clean) stages)) (stage_reach h r (map reach_of stages))
    (advanced h z (map (slope_of f t perturbed) stages)).
Proof.
  intros f t h z y r stages positive start each. unfold within.
  induction each as [|s rest [nonnegative [inside constant]] _ step]; simpl; [exact start|].
  set (p := advanced h z _) in *. set (q := advanced h y _) in *. set (a := weight s).
  set (k := f t (perturbed s)). set (l := f t (clean s)).
  replace ((p ⊕ (h * a) • k) ⊖ (q ⊕ (h * a) • l)) with ((p ⊖ q) ⊕ (h * a) • (k ⊖ l)) by vector.
  apply Rle_trans with (‖p ⊖ q‖ + ‖(h * a) • (k ⊖ l)‖); [apply norm_triangle|].
  rewrite norm_scale, Rabs_mult, (Rabs_right h) by lra.
  apply Rplus_le_compat; [exact step|]. apply Rmult_le_compat_l.
  - apply Rmult_le_pos; [lra|apply Rabs_pos].
  - (* ‖k_j − k_j*‖ ≤ K_j ‖Z_j − Y_j‖ ≤ K_j ρ_j *)
    pose proof (constant _ _ inside (center_is_within _ _ _ inside)) as slope. fold k l in slope.
    apply Rle_trans with (1 := slope). apply Rmult_le_compat_l; [assumption|exact inside].
Qed.

(** ** Backward Euler: the ball may be made smaller with any constant that holds on a ball known before. *)

Theorem backward_euler_ball : forall f t h K r known z y after_z after_y residual,
  0 < h -> h * K < 1 ->
  after_z = z ⊕ h • f t after_z -> after_y = (y ⊕ h • f t after_y) ⊕ residual ->
  within y r z -> within after_y known after_z -> lipschitz_on_ball f t after_y known K ->
  within after_y (backward_euler_growth (h * K) * (r + ‖residual‖)) after_z.
Proof.
  intros f t h K r known z y after_z after_y residual positive room step_z step_y start inside constant.
  pose proof (constant _ _ inside (center_is_within _ _ _ inside)) as slope. unfold within in *.
  set (k := f t after_z) in *. set (l := f t after_y) in *. clearbody k l.
  (* ‖e'‖ ≤ ‖e‖ + hK‖e'‖ + ‖residual‖ *)
  assert (‖after_z ⊖ after_y‖ <= ‖z ⊖ y‖ + h * (K * ‖after_z ⊖ after_y‖) + ‖residual‖) as implicit.
  { set (e := after_z ⊖ after_y) in *.
    assert (e = (z ⊖ y) ⊕ h • (k ⊖ l) ⊕ opposite residual) as expanded
      by (unfold e; rewrite step_z, step_y; vector).
    rewrite expanded at 1.
    pose proof (norm_triangle _ ((z ⊖ y) ⊕ h • (k ⊖ l)) (opposite residual)) as outer.
    pose proof (norm_triangle _ (z ⊖ y) (h • (k ⊖ l))) as inner.
    rewrite norm_opposite in outer. rewrite norm_scale, (Rabs_right h) in inner by lra.
    pose proof (Rmult_le_compat_l h _ _ (Rlt_le _ _ positive) slope). lra. }
  unfold backward_euler_growth. apply Rmult_le_reg_l with (1 - h * K); [lra|].
  replace ((1 - h * K) * (/ (1 - h * K) * (r + ‖residual‖))) with (r + ‖residual‖) by (field; lra). lra.
Qed.

End Tube.
