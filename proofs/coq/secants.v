(** * What sampling finds lies below the constant, and bounds nothing above

    Statement.   Secant constants ‖f(z) − f(y)‖/‖z − y‖ are at most every Lipschitz constant K, quotients
                 ⟨f(z) − f(y), z − y⟩/‖z − y‖² at most every one-sided constant μ; so is the largest of any list, and
                 directional derivatives: ‖f′v‖ ≤ K‖v‖, ⟨f′v, v⟩ ≤ μ‖v‖². For any finite list of pairs and any C there
                 is an f whose secants there are all 0, with no constant below C. Under Euler
                 ‖z_n − y_n‖ ≤ Π(1 + h_i K_i)‖z_0 − y_0‖ with the measured K_i = ‖f(z_i) − f(y_i)‖/‖z_i − y_i‖.
    Assumptions. any normed space, for μ any inner product space; 0 where two points coincide, and K ≥ 0; for the
                 counterexample a vector of length 1; for Euler h_i > 0 and nothing about f
    Source.      theory, sections 1 and 5
    Verdict.     proved as stated
    Theorems.    secant_is_a_lower_bound, largest_secant_is_a_lower_bound, quotient_is_a_lower_bound,
                 largest_quotient_is_a_lower_bound, directional_derivative, directional_derivative_one_sided,
                 samples_bound_nothing_above, measured_growth_under_euler *)

From Coq Require Import Reals Lra Psatz List.
From NatrobProofs Require Import normed_space inner_product_space one_step_methods theorem_3_1 one_sided.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

Section Secants.

Variable V : NormedSpace.

(** Points that coincide have the secant constant 0. *)
Definition secant (f : R -> V -> V) (t : R) (z y : V) : R :=
  if Rlt_dec 0 (‖z ⊖ y‖) then ‖f t z ⊖ f t y‖ / ‖z ⊖ y‖ else 0.

Lemma secant_nonnegative : forall f t z y, 0 <= secant f t z y.
Proof.
  intros f t z y. unfold secant. destruct (Rlt_dec _ _) as [apart|]; [|lra].
  apply Rmult_le_pos; [apply norm_nonnegative|]. apply Rlt_le, Rinv_0_lt_compat, apart.
Qed.

Lemma coincide : forall z y : V, ~ 0 < ‖z ⊖ y‖ -> z = y.
Proof.
  intros z y together. pose proof (norm_nonnegative V (z ⊖ y)).
  replace z with ((z ⊖ y) ⊕ y) by vector. rewrite (norm_separates _ (z ⊖ y)) by lra. vector.
Qed.

(** The secant constant times the distance is the distance of the values, also where the points coincide. *)
Lemma secant_times_distance : forall f t z y, secant f t z y * ‖z ⊖ y‖ = ‖f t z ⊖ f t y‖.
Proof.
  intros f t z y. unfold secant. destruct (Rlt_dec _ _) as [apart|together]; [field; lra|].
  rewrite (coincide z y together), !add_opposite, norm_zero. ring.
Qed.

Theorem secant_is_a_lower_bound : forall f K t z y, 0 <= K -> lipschitz V f K -> secant f t z y <= K.
Proof.
  intros f K t z y nonnegative constant. unfold secant. destruct (Rlt_dec _ _) as [apart|]; [|assumption].
  apply Rmult_le_reg_r with (‖z ⊖ y‖); [assumption|].
  unfold Rdiv. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra. apply constant.
Qed.

(** A rise that is computed with an error, less an allowance for this error, is still below. *)
Corollary secant_less_an_allowance : forall f K t z y rise noise,
  lipschitz V f K -> 0 < ‖z ⊖ y‖ -> rise <= ‖f t z ⊖ f t y‖ + noise -> (rise - noise) / ‖z ⊖ y‖ <= K.
Proof.
  intros f K t z y rise noise constant apart computed. apply Rmult_le_reg_r with (‖z ⊖ y‖); [assumption|].
  unfold Rdiv. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra. pose proof (constant t z y). lra.
Qed.

(** The largest of a list of pairs, 0 for none. *)
Definition largest_secant (f : R -> V -> V) (t : R) (pairs : list (V * V)) : R :=
  fold_right (fun pair found => Rmax (secant f t (fst pair) (snd pair)) found) 0 pairs.

Theorem largest_secant_is_a_lower_bound : forall f K t pairs,
  0 <= K -> lipschitz V f K -> largest_secant f t pairs <= K.
Proof.
  intros f K t pairs nonnegative constant. induction pairs as [|pair rest step]; simpl; [assumption|].
  apply Rmax_lub; [apply secant_is_a_lower_bound|]; assumption.
Qed.

(** Directional derivatives are limits of secants: for every ε some τ > 0 has ‖f(y + τv) − f(y) − τd‖ ≤ ετ. *)
Definition derivative_along (f : R -> V -> V) (t : R) (y v d : V) : Prop :=
  forall epsilon, 0 < epsilon -> exists tau, 0 < tau /\ ‖(f t (y ⊕ tau • v) ⊖ f t y) ⊖ tau • d‖ <= epsilon * tau.

Theorem directional_derivative : forall f K t y v d,
  lipschitz V f K -> derivative_along f t y v d -> ‖d‖ <= K * ‖v‖.
Proof.
  intros f K t y v d constant derivative. apply Rnot_lt_le. intro larger.
  (* with ε half of what is too much: τ‖d‖ ≤ τK‖v‖ + ετ *)
  destruct (derivative ((‖d‖ - K * ‖v‖) / 2)) as [tau [positive close]]; [lra|].
  set (rise := f t (y ⊕ tau • v) ⊖ f t y) in *.
  assert (‖rise‖ <= K * (tau * ‖v‖)) as slope.
  { unfold rise. apply Rle_trans with (K * ‖(y ⊕ tau • v) ⊖ y‖); [apply constant|].
    replace ((y ⊕ tau • v) ⊖ y) with (tau • v) by vector. rewrite norm_scale, Rabs_right; lra. }
  assert (tau * ‖d‖ <= ‖rise‖ + ‖rise ⊖ tau • d‖) as triangle.
  { replace (tau * ‖d‖) with (‖tau • d‖) by (rewrite norm_scale, Rabs_right; lra).
    rewrite <- (norm_opposite V (rise ⊖ tau • d)).
    replace (tau • d) with (rise ⊕ opposite (rise ⊖ tau • d)) at 1 by vector.
    apply norm_triangle. }
  pose proof (Rmult_lt_compat_l tau _ _ positive larger). lra.
Qed.

End Secants.

(** ** One-sided quotients *)

Section Quotients.

Variable E : InnerProductSpace.

Definition one_sided_quotient (f : R -> E -> E) (t : R) (z y : E) : R :=
  ⟨f t z ⊖ f t y, z ⊖ y⟩ / (‖z ⊖ y‖ * ‖z ⊖ y‖).

Theorem quotient_is_a_lower_bound : forall f mu t z y,
  one_sided E f mu -> 0 < ‖z ⊖ y‖ -> one_sided_quotient f t z y <= mu.
Proof.
  intros f mu t z y constant apart. pose proof (Rmult_lt_0_compat _ _ apart apart) as square.
  apply Rmult_le_reg_r with (‖z ⊖ y‖ * ‖z ⊖ y‖); [assumption|].
  unfold one_sided_quotient, Rdiv. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra. apply constant.
Qed.

(** The largest of a list of pairs; it has a first pair, as the quotients may all be negative. *)
Definition largest_quotient (f : R -> E -> E) (t : R) (first : E * E) (pairs : list (E * E)) : R :=
  fold_right (fun pair found => Rmax (one_sided_quotient f t (fst pair) (snd pair)) found)
    (one_sided_quotient f t (fst first) (snd first)) pairs.

Theorem largest_quotient_is_a_lower_bound : forall f mu t first pairs,
  one_sided E f mu -> Forall (fun pair => 0 < ‖fst pair ⊖ snd pair‖) (first :: pairs) ->
  largest_quotient f t first pairs <= mu.
Proof.
  intros f mu t first pairs constant apart. inversion apart as [|one others of_first of_rest]; subst. clear apart.
  induction of_rest as [|pair rest here later step]; simpl.
  - apply quotient_is_a_lower_bound; assumption.
  - apply Rmax_lub; [apply quotient_is_a_lower_bound|]; assumption.
Qed.

(** ⟨τd, τv⟩ ≤ μτ²‖v‖² + ετ·τ‖v‖ *)
Theorem directional_derivative_one_sided : forall f mu t y v d,
  one_sided E f mu -> derivative_along E f t y v d -> ⟨d, v⟩ <= mu * (‖v‖ * ‖v‖).
Proof.
  intros f mu t y v d constant derivative. apply Rnot_lt_le. intro larger.
  pose proof (norm_nonnegative E v) as length.
  set (excess := ⟨d, v⟩ - mu * (‖v‖ * ‖v‖)).
  assert (0 < excess) as too_much by (unfold excess; lra).
  assert (0 < excess / (2 * (1 + ‖v‖))) as epsilon.
  { apply Rmult_lt_0_compat; [assumption|]. apply Rinv_0_lt_compat. lra. }
  destruct (derivative _ epsilon) as [tau [positive close]].
  set (rise := f t (y ⊕ tau • v) ⊖ f t y) in *.
  pose proof (constant t (y ⊕ tau • v) y) as bound. fold rise in bound.
  replace ((y ⊕ tau • v) ⊖ y) with (tau • v) in bound by vector.
  rewrite dot_scale_right, norm_scale, Rabs_right in bound by lra.
  (* ⟨rise, v⟩ ≤ μτ‖v‖² *)
  assert (⟨rise, v⟩ <= mu * tau * (‖v‖ * ‖v‖)) as along.
  { apply Rmult_le_reg_l with tau; [assumption|]. lra. }
  (* τ⟨d, v⟩ = ⟨rise, v⟩ − ⟨rise − τd, v⟩ *)
  pose proof (cauchy_schwarz E (opposite (rise ⊖ tau • d)) v) as angle.
  rewrite norm_opposite, dot_opposite_left, dot_add_left, dot_opposite_left, dot_scale_left in angle.
  pose proof (Rmult_le_compat_r (‖v‖) _ _ length close) as small.
  assert (excess / (2 * (1 + ‖v‖)) * ‖v‖ <= excess / 2) as half.
  { apply Rmult_le_reg_r with (2 * (1 + ‖v‖)); [lra|].
    replace (excess / (2 * (1 + ‖v‖)) * ‖v‖ * (2 * (1 + ‖v‖))) with (excess * ‖v‖) by (field; lra). lra. }
  pose proof (Rmult_le_compat_l tau _ _ (Rlt_le _ _ positive) half) as scaled.
  assert (tau * excess <= tau * (excess / 2)) as contradictory by (unfold excess at 1; lra).
  apply Rmult_le_reg_l in contradictory; lra.
Qed.

End Quotients.

(** ** A sample is no upper bound *)

Section Counterexample.

Variable V : NormedSpace.
Variable direction : V.
Hypothesis direction_length : ‖direction‖ = 1.

(** f = 0 within the distance m from the origin, and beyond it rises with slope C. *)
Definition hidden_slope (C m : R) (_ : R) (y : V) : V := (C * Rmax 0 (‖y‖ - m)) • direction.

Lemma hidden_slope_is_lipschitz : forall C m, 0 <= C -> lipschitz V (hidden_slope C m) C.
Proof.
  intros C m nonnegative t z y. unfold hidden_slope.
  set (a := Rmax 0 (‖z‖ - m)). set (b := Rmax 0 (‖y‖ - m)).
  replace ((C * a) • direction ⊖ (C * b) • direction) with ((C * (a - b)) • direction) by vector.
  rewrite norm_scale, direction_length, Rmult_1_r, Rabs_mult, (Rabs_right C) by lra.
  apply Rmult_le_compat_l; [assumption|].
  (* |‖z‖ − ‖y‖| ≤ ‖z − y‖ *)
  pose proof (norm_triangle _ (z ⊖ y) y) as over_z. replace ((z ⊖ y) ⊕ y) with z in over_z by vector.
  pose proof (norm_triangle _ (y ⊖ z) z) as over_y. replace ((y ⊖ z) ⊕ z) with y in over_y by vector.
  rewrite (distance_symmetric V y z) in over_y. pose proof (norm_nonnegative V (z ⊖ y)).
  unfold a, b, Rmax. destruct (Rle_dec _ _); destruct (Rle_dec _ _); apply Rabs_le; lra.
Qed.

Fixpoint reach (pairs : list (V * V)) : R :=
  match pairs with
  | [] => 0
  | (z, y) :: rest => ‖z‖ + ‖y‖ + reach rest
  end.

Lemma reach_nonnegative : forall pairs, 0 <= reach pairs.
Proof.
  induction pairs as [|[z y] rest step]; simpl; [lra|].
  pose proof (norm_nonnegative V z). pose proof (norm_nonnegative V y). lra.
Qed.

Lemma nothing_is_seen : forall C t pairs m, reach pairs <= m -> largest_secant V (hidden_slope C m) t pairs = 0.
Proof.
  intros C t pairs m. induction pairs as [|[z y] rest step]; simpl; intro beyond; [reflexivity|].
  pose proof (norm_nonnegative V z). pose proof (norm_nonnegative V y). pose proof (reach_nonnegative rest).
  rewrite step by lra. unfold secant, hidden_slope. rewrite (Rmax_left 0 (‖z‖ - m)), (Rmax_left 0 (‖y‖ - m)) by lra.
  destruct (Rlt_dec _ _) as [apart|]; [|apply Rmax_left; lra].
  rewrite add_opposite, norm_zero. unfold Rdiv. rewrite Rmult_0_l. apply Rmax_left. lra.
Qed.

Theorem samples_bound_nothing_above : forall (pairs : list (V * V)) C, 0 <= C ->
  exists f, lipschitz V f C /\ (forall t, largest_secant V f t pairs = 0) /\ forall K, lipschitz V f K -> C <= K.
Proof.
  intros pairs C nonnegative. exists (hidden_slope C (reach pairs)). split; [|split].
  - apply hidden_slope_is_lipschitz. assumption.
  - intro t. apply nothing_is_seen. lra.
  - (* between m·u and (m + 1)·u the secant constant is C *)
    intros K constant. pose proof (reach_nonnegative pairs) as outside. set (m := reach pairs) in *.
    pose proof (constant 0 ((m + 1) • direction) (m • direction)) as slope. unfold hidden_slope in slope.
    rewrite !norm_scale, direction_length, !Rmult_1_r, (Rabs_right m), (Rabs_right (m + 1)) in slope by lra.
    replace (m - m) with 0 in slope by ring. replace (m + 1 - m) with 1 in slope by ring.
    rewrite (Rmax_left 0 0), (Rmax_right 0 1) in slope by lra.
    replace ((C * 1) • direction ⊖ (C * 0) • direction) with (C • direction) in slope by vector.
    replace ((m + 1) • direction ⊖ m • direction) with (1 • direction) in slope by vector.
    rewrite !norm_scale, direction_length, Rabs_R1, Rabs_right in slope by lra. lra.
Qed.

End Counterexample.

(** ** The measured pair *)

Section MeasuredPair.

Variable V : NormedSpace.

(** y_{n+1} = y_n + h_n f(t_n, y_n) *)
Definition euler_solution (f : R -> V -> V) (time size : nat -> R) (y : nat -> V) : Prop :=
  forall n, y (S n) = y n ⊕ size n • f (time n) (y n).

(** K_n = ‖f(z_n) − f(y_n)‖/‖z_n − y_n‖ *)
Definition measured_constant (f : R -> V -> V) (time : nat -> R) (z y : nat -> V) (n : nat) : R :=
  secant V f (time n) (z n) (y n).

(** No assumption on f: the product of the measured secant constants is a theorem for the measured pair. *)
Theorem measured_growth_under_euler : forall f time size z y,
  (forall n, 0 < size n) -> euler_solution f time size z -> euler_solution f time size y ->
  forall n, ‖z n ⊖ y n‖
    <= product (fun m => euler_growth (size m * measured_constant f time z y m)) n * ‖z O ⊖ y O‖.
Proof.
  intros f time size z y positive of_z of_y. apply growth_along_a_pair; intro n.
  - unfold euler_growth. pose proof (secant_nonnegative V f (time n) (z n) (y n)) as nonnegative.
    fold (measured_constant f time z y n) in nonnegative.
    pose proof (Rmult_le_pos _ _ (Rlt_le _ _ (positive n)) nonnegative). lra.
  - rewrite of_z, of_y. pose proof (secant_times_distance V f (time n) (z n) (y n)) as rise.
    fold (measured_constant f time z y n) in rise. set (K := measured_constant f time z y n) in *.
    set (p := f (time n) (z n)) in *. set (q := f (time n) (y n)) in *.
    replace ((z n ⊕ size n • p) ⊖ (y n ⊕ size n • q)) with ((z n ⊖ y n) ⊕ size n • (p ⊖ q)) by vector.
    apply Rle_trans with (‖z n ⊖ y n‖ + ‖size n • (p ⊖ q)‖); [apply norm_triangle|].
    rewrite norm_scale, Rabs_right by (apply Rle_ge, Rlt_le, positive). rewrite <- rise. unfold euler_growth. lra.
Qed.

(** With equal steps this is Euler's method of theorem 3.1. *)
Corollary measured_growth_with_equal_steps : forall f t0 h z y, 0 < h ->
  let time := fun n => t0 + INR n * h in
  let run := fun start => solution V (euler_step V f t0 h) start in
  forall n, ‖run z n ⊖ run y n‖
    <= product (fun m => euler_growth (h * measured_constant f time (run z) (run y) m)) n * ‖z ⊖ y‖.
Proof.
  intros f t0 h z y positive time run n.
  apply (measured_growth_under_euler f time (fun _ => h) (run z) (run y)); intro m; [assumption| |]; reflexivity.
Qed.

End MeasuredPair.
