(** * Theorem 3.2 of the paper, for explicit Runge–Kutta methods

    Statement.   For y_{n+1} = y_n + hΦ(t_n, y_n) with Φ = Σ b_i k_i, and z_n started at y_0 + ε:
                 max over 0 ≤ n ≤ N of ‖z_n − y_n‖ ≤ (1 + hL)^N ‖ε‖ ≤ e^{(b − t0)L} ‖ε‖. With the Lipschitz constant K
                 of f as L this is false ([theorem_3_2_refuted.v]). It holds with the constant of the increment
                 function Φ, L = K Σ |b_i| κ_i, where κ_i = 1 + hK Σ |a_ij| κ_j. One step lets distances grow at most
                 by G(hK) = 1 + hL, steps with varying h and K at most by Π G(h_n K_n).
    Assumptions. any normed space; any explicit tableau of rational numbers; h ≥ 0; K ≥ 0; f(t, ·) is K-Lipschitz for
                 every t, or K is the largest secant constant of f between the two solutions at the stages that count;
                 Nh = b − t0
    Source.      the paper's Theorem 3.2; theory, sections 1 and 2; Hairer, Nørsett, Wanner, Solving ODEs I, II.3
    Verdict.     repaired
    Theorems.    theorem_3_2_repaired, increment_is_lipschitz, one_runge_kutta_step, one_step_along_a_pair,
                 growth_over_equal_runge_kutta_steps, growth_over_varying_steps, growth_along_a_measured_pair,
                 growth_is_attained *)

From Coq Require Import Reals Lra QArith Qreals List.
From NatrobProofs Require Import normed_space one_step_methods theorem_3_1 butcher_tableau.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

Section RungeKutta.

Variable V : NormedSpace.

(** ** One step *)

(** Between the two points of a pair, f differs at most by K times their distance. *)
Definition secant_at_most (K : R) (at_z at_y : V * V) : Prop := ‖snd at_z ⊖ snd at_y‖ <= K * ‖fst at_z ⊖ fst at_y‖.

(** So it is at every stage that counts: K may be the largest secant constant measured there. *)
Definition secants_at_most (tableau : Tableau) (f : R -> V -> V) (t h K : R) (z y : V) : Prop :=
  Forall2 (secant_at_most K)
    (evaluations V f t h z (stages (used tableau)) []) (evaluations V f t h y (stages (used tableau)) []).

(** ‖k_i(z) − k_i(y)‖ ≤ K κ_i d for every slope of three lists *)
Fixpoint slopes_within (K d : R) (factors : list R) (slopes_z slopes_y : list V) : Prop :=
  match factors, slopes_z, slopes_y with
  | [], [], [] => True
  | factor :: factors', k :: slopes_z', l :: slopes_y' =>
      ‖k ⊖ l‖ <= K * factor * d /\ slopes_within K d factors' slopes_z' slopes_y'
  | _, _, _ => False
  end.

Lemma slopes_within_one_more : forall K d factor k l factors slopes_z slopes_y,
  slopes_within K d factors slopes_z slopes_y ->
  ‖k ⊖ l‖ <= K * factor * d ->
  slopes_within K d (factors ++ [factor]) (slopes_z ++ [k]) (slopes_y ++ [l]).
Proof.
  intros K d factor k l. induction factors as [|first factors' step]; intros [|a slopes_z'] [|b slopes_y'] within last;
    simpl in *; try contradiction; [auto|].
  destruct within as [head tail]. auto.
Qed.

(** ‖Σ a_j k_j(z) − Σ a_j k_j(y)‖ ≤ K Σ |a_j| κ_j d *)
Lemma combined_difference : forall K d coefficients factors slopes_z slopes_y,
  slopes_within K d factors slopes_z slopes_y ->
  ‖combined V coefficients slopes_z ⊖ combined V coefficients slopes_y‖ <= K * total magnitude coefficients factors * d.
Proof.
  intros K d. induction coefficients as [|a rest step]; intros [|factor factors'] [|k slopes_z'] [|l slopes_y'] within;
    simpl in *; try contradiction; try (rewrite add_opposite, norm_zero; lra).
  destruct within as [head tail]. specialize (step _ _ _ tail).
  set (sum_z := combined V rest slopes_z') in *. set (sum_y := combined V rest slopes_y') in *.
  replace ((Q2R a • k ⊕ sum_z) ⊖ (Q2R a • l ⊕ sum_y)) with (Q2R a • (k ⊖ l) ⊕ (sum_z ⊖ sum_y)) by vector.
  apply Rle_trans with (‖Q2R a • (k ⊖ l)‖ + ‖sum_z ⊖ sum_y‖); [apply norm_triangle|].
  rewrite norm_scale. fold (magnitude a).
  pose proof (Rmult_le_compat_l (magnitude a) _ _ (Rabs_pos (Q2R a)) head). lra.
Qed.

(** The argument moves by at most (1 + hK Σ |a_ij| κ_j) d = κ_i d from one solution to the other, its slope by K times
    as much. *)
Lemma slopes_difference : forall f t h K z y, 0 <= h -> 0 <= K -> forall remaining factors slopes_z slopes_y,
  slopes_within K (‖z ⊖ y‖) factors slopes_z slopes_y ->
  Forall2 (secant_at_most K) (evaluations V f t h z remaining slopes_z) (evaluations V f t h y remaining slopes_y) ->
  slopes_within K (‖z ⊖ y‖) (stage_factors magnitude (h * K) remaining factors)
    (map snd (evaluations V f t h z remaining slopes_z)) (map snd (evaluations V f t h y remaining slopes_y)).
Proof.
  intros f t h K z y forward nonnegative.
  induction remaining as [|[node row] rest step]; intros factors slopes_z slopes_y within secants; simpl; [exact I|].
  simpl in secants. inversion secants as [|? ? ? ? secant others]; subst.
  unfold secant_at_most in secant. simpl in secant.
  set (sum_z := combined V row slopes_z) in *. set (sum_y := combined V row slopes_y) in *.
  set (slope_z := f (t + Q2R node * h) (z ⊕ h • sum_z)) in *.
  set (slope_y := f (t + Q2R node * h) (y ⊕ h • sum_y)) in *.
  assert (‖slope_z ⊖ slope_y‖ <= K * (1 + h * K * total magnitude row factors) * ‖z ⊖ y‖) as head.
  { apply Rle_trans with (1 := secant). rewrite Rmult_assoc. apply Rmult_le_compat_l; [assumption|].
    replace ((z ⊕ h • sum_z) ⊖ (y ⊕ h • sum_y)) with ((z ⊖ y) ⊕ h • (sum_z ⊖ sum_y)) by vector.
    apply Rle_trans with (‖z ⊖ y‖ + ‖h • (sum_z ⊖ sum_y)‖); [apply norm_triangle|].
    rewrite norm_scale, Rabs_right by lra.
    pose proof (Rmult_le_compat_l h _ _ forward (combined_difference K _ row _ _ _ within)) as sums.
    fold sum_z sum_y in sums. lra. }
  split; [exact head|]. apply step; [|exact others]. apply slopes_within_one_more; assumption.
Qed.

(** The increment along one pair: ‖Φ(z) − Φ(y)‖ ≤ L ‖z − y‖ *)
Lemma increment_along_a_pair : forall tableau f t h K z y,
  0 <= h -> 0 <= K -> secants_at_most tableau f t h K z y ->
  ‖increment V tableau f t h z ⊖ increment V tableau f t h y‖ <= increment_constant tableau h K * ‖z ⊖ y‖.
Proof.
  intros tableau f t h K z y forward nonnegative secants.
  (* only the stages that count enter *)
  rewrite <- !(increment_of_used_stages V tableau). unfold increment_constant.
  rewrite <- (increment_factor_of_used_stages _ magnitude_of_zero tableau).
  apply combined_difference. apply slopes_difference; simpl; auto.
Qed.

(** A bound on the increment is one on the step: G = 1 + hL *)
Lemma growth_from_increment : forall tableau h K,
  runge_kutta_growth tableau (h * K) = 1 + h * increment_constant tableau h K.
Proof.
  intros tableau h K. unfold runge_kutta_growth, increment_constant. ring.
Qed.

Lemma increment_constant_nonnegative : forall tableau h K, 0 <= h -> 0 <= K -> 0 <= increment_constant tableau h K.
Proof.
  intros tableau h K forward nonnegative. apply Rmult_le_pos; [assumption|].
  apply increment_factor_nonnegative. apply Rmult_le_pos; assumption.
Qed.

Theorem one_step_along_a_pair : forall tableau f t h K z y,
  0 <= h -> 0 <= K -> secants_at_most tableau f t h K z y ->
  ‖runge_kutta_step V tableau f t h z ⊖ runge_kutta_step V tableau f t h y‖
    <= runge_kutta_growth tableau (h * K) * ‖z ⊖ y‖.
Proof.
  intros tableau f t h K z y forward nonnegative secants. rewrite growth_from_increment. unfold runge_kutta_step.
  pose proof (increment_along_a_pair tableau f t h K z y forward nonnegative secants) as increments.
  set (increment_z := increment V tableau f t h z) in *. set (increment_y := increment V tableau f t h y) in *.
  replace ((z ⊕ h • increment_z) ⊖ (y ⊕ h • increment_y)) with ((z ⊖ y) ⊕ h • (increment_z ⊖ increment_y)) by vector.
  apply Rle_trans with (‖z ⊖ y‖ + ‖h • (increment_z ⊖ increment_y)‖); [apply norm_triangle|].
  rewrite norm_scale, Rabs_right by lra.
  pose proof (Rmult_le_compat_l h _ _ forward increments). lra.
Qed.

(** ** Every pair, with a Lipschitz constant *)

(** f is K-Lipschitz at the times of the stages of one step. *)
Definition lipschitz_at_stages (tableau : Tableau) (f : R -> V -> V) (t h K : R) : Prop :=
  forall node row, In (node, row) (stages tableau) ->
  forall z y, ‖f (t + Q2R node * h) z ⊖ f (t + Q2R node * h) y‖ <= K * ‖z ⊖ y‖.

Lemma first_is_in : forall (A : Type) (element : A) n list, In element (firstn n list) -> In element list.
Proof.
  intros A element. induction n as [|n step]; intros [|first rest] member; simpl in *; try contradiction.
  destruct member as [head|tail]; auto.
Qed.

Lemma secants_from_lipschitz : forall tableau f t h K,
  lipschitz_at_stages tableau f t h K -> forall z y, secants_at_most tableau f t h K z y.
Proof.
  intros tableau f t h K constant z y. unfold secants_at_most.
  assert (forall node row, In (node, row) (stages (used tableau)) ->
    forall z y, ‖f (t + Q2R node * h) z ⊖ f (t + Q2R node * h) y‖ <= K * ‖z ⊖ y‖) as at_used.
  { intros node row member. apply (constant node row). exact (first_is_in _ _ _ _ member). }
  generalize (@nil V) at 2. generalize (@nil V). clear constant.
  induction (stages (used tableau)) as [|[node row] rest step]; intros known_z known_y; simpl; constructor.
  - apply (at_used node row). left. reflexivity.
  - apply step. intros other more member. apply (at_used other more). right. exact member.
Qed.

Lemma lipschitz_everywhere : forall tableau f t h K, lipschitz V f K -> lipschitz_at_stages tableau f t h K.
Proof.
  intros tableau f t h K constant node row _. apply constant.
Qed.

(** Φ(t, ·) is L-Lipschitz with L = K Σ |b_i| κ_i. *)
Theorem increment_is_lipschitz : forall tableau f h K,
  0 <= h -> 0 <= K -> lipschitz V f K ->
  lipschitz V (fun t => increment V tableau f t h) (increment_constant tableau h K).
Proof.
  intros tableau f h K forward nonnegative constant t z y. apply increment_along_a_pair; [assumption..|].
  apply secants_from_lipschitz. apply lipschitz_everywhere. assumption.
Qed.

Theorem one_runge_kutta_step : forall tableau f t h K,
  0 <= h -> 0 <= K -> lipschitz_at_stages tableau f t h K ->
  grows_at_most V (runge_kutta_step V tableau f t h) (runge_kutta_growth tableau (h * K)).
Proof.
  intros tableau f t h K forward nonnegative constant z y. apply one_step_along_a_pair; [assumption..|].
  apply secants_from_lipschitz. assumption.
Qed.

(** ** Many steps *)

(** Step n from t_n = t0 + nh *)
Definition equal_step (tableau : Tableau) (f : R -> V -> V) (t0 h : R) (n : nat) (y : V) : V :=
  runge_kutta_step V tableau f (t0 + INR n * h) h y.

Theorem growth_over_equal_runge_kutta_steps : forall tableau f t0 h K,
  0 <= h -> 0 <= K -> lipschitz V f K ->
  forall z y n,
    ‖solution V (equal_step tableau f t0 h) z n ⊖ solution V (equal_step tableau f t0 h) y n‖
      <= runge_kutta_growth tableau (h * K) ^ n * ‖z ⊖ y‖.
Proof.
  intros tableau f t0 h K forward nonnegative constant z y n. apply growth_over_equal_steps.
  - pose proof (growth_at_least_one tableau (h * K) (Rmult_le_pos _ _ forward nonnegative)). lra.
  - intro m. apply one_runge_kutta_step; [assumption..|]. apply lipschitz_everywhere. assumption.
Qed.

(** Theorem 3.2 with L = K Σ |b_i| κ_i in the place of K. *)
Theorem theorem_3_2_repaired : forall tableau f t0 b h K N y epsilon,
  0 < h -> 0 <= K -> lipschitz V f K -> INR N * h = b - t0 ->
  let L := increment_constant tableau h K in
  largest (fun n =>
      ‖solution V (equal_step tableau f t0 h) (y ⊕ epsilon) n ⊖ solution V (equal_step tableau f t0 h) y n‖) N
    <= (1 + h * L) ^ N * ‖epsilon‖
  /\ (1 + h * L) ^ N * ‖epsilon‖ <= exp ((b - t0) * L) * ‖epsilon‖.
Proof.
  intros tableau f t0 b h K N y epsilon forward nonnegative constant horizon L.
  assert (0 <= h * K) by (apply Rmult_le_pos; lra).
  split.
  - assert (‖epsilon‖ = ‖(y ⊕ epsilon) ⊖ y‖) as start by (f_equal; vector). rewrite start.
    unfold L. rewrite <- growth_from_increment.
    apply largest_distance; [apply growth_at_least_one; assumption|].
    intro m. apply one_runge_kutta_step; [lra|assumption|]. apply lipschitz_everywhere. assumption.
  - apply Rmult_le_compat_r; [apply norm_nonnegative|].
    (* (11) with L in the place of K *)
    rewrite <- horizon. apply below_exponential; [assumption|]. apply increment_constant_nonnegative; lra.
Qed.

(** ** Step sizes and constants that vary *)

Definition varying_step (tableau : Tableau) (f : R -> V -> V) (time h : nat -> R) (n : nat) (y : V) : V :=
  runge_kutta_step V tableau f (time n) (h n) y.

(** Π G(h_n K_n), K_n the Lipschitz constant of f at the times of step n *)
Theorem growth_over_varying_steps : forall tableau f (time h K : nat -> R),
  (forall n, 0 <= h n) -> (forall n, 0 <= K n) ->
  (forall n, lipschitz_at_stages tableau f (time n) (h n) (K n)) ->
  forall z y n,
    ‖solution V (varying_step tableau f time h) z n ⊖ solution V (varying_step tableau f time h) y n‖
      <= product (fun m => runge_kutta_growth tableau (h m * K m)) n * ‖z ⊖ y‖.
Proof.
  intros tableau f time h K forward nonnegative constant. apply growth_over_steps; intro m.
  - pose proof (growth_at_least_one tableau (h m * K m) (Rmult_le_pos _ _ (forward m) (nonnegative m))). lra.
  - apply one_runge_kutta_step; auto.
Qed.

(** The same with K_n measured along the two solutions: no constant of f beyond these secants is needed. *)
Theorem growth_along_a_measured_pair : forall tableau f (time h K : nat -> R) z y,
  (forall n, 0 <= h n) -> (forall n, 0 <= K n) ->
  (forall n, secants_at_most tableau f (time n) (h n) (K n)
     (solution V (varying_step tableau f time h) z n) (solution V (varying_step tableau f time h) y n)) ->
  forall n,
    ‖solution V (varying_step tableau f time h) z n ⊖ solution V (varying_step tableau f time h) y n‖
      <= product (fun m => runge_kutta_growth tableau (h m * K m)) n * ‖z ⊖ y‖.
Proof.
  intros tableau f time h K z y forward nonnegative secants.
  apply (growth_along_a_pair V (solution V (varying_step tableau f time h) z)
           (solution V (varying_step tableau f time h) y) (fun m => runge_kutta_growth tableau (h m * K m))); intro m.
  - pose proof (growth_at_least_one tableau (h m * K m) (Rmult_le_pos _ _ (forward m) (nonnegative m))). lra.
  - simpl. apply one_step_along_a_pair; auto.
Qed.

(** ** f = Ky *)

Lemma combined_multiples : forall (K : R) (y : V) coefficients factors,
  combined V coefficients (map (fun factor => (K * factor) • y) factors) = (K * total Q2R coefficients factors) • y.
Proof.
  intros K y. induction coefficients as [|a rest step]; intros [|factor others]; simpl;
    try (rewrite Rmult_0_r, scale_zero; reflexivity).
  rewrite step. vector.
Qed.

(** Every slope is the multiple Kκ_i of y, with the signs of the coefficients. *)
Lemma slopes_of_a_multiple : forall K t h (y : V) remaining factors,
  map snd (evaluations V (fun _ u => K • u) t h y remaining (map (fun factor => (K * factor) • y) factors))
    = map (fun factor => (K * factor) • y) (stage_factors Q2R (h * K) remaining factors).
Proof.
  intros K t h y. induction remaining as [|[node row] rest step]; intro factors; simpl; [reflexivity|].
  rewrite combined_multiples.
  assert (K • (y ⊕ h • ((K * total Q2R row factors) • y)) = (K * (1 + h * K * total Q2R row factors)) • y) as slope
    by vector.
  rewrite slope. f_equal. rewrite <- step, map_app. reflexivity.
Qed.

(** One step takes y to R(hK) y, R the stability function. *)
Theorem step_of_a_multiple : forall tableau K t h (y : V),
  runge_kutta_step V tableau (fun _ u => K • u) t h y = runge_kutta_stability tableau (h * K) • y.
Proof.
  intros tableau K t h y. unfold runge_kutta_step, increment, runge_kutta_stability, increment_factor.
  pose proof (slopes_of_a_multiple K t h y (stages tableau) []) as slopes. cbn [map] in slopes.
  rewrite slopes, combined_multiples. vector.
Qed.

Lemma multiple_is_lipschitz : forall K, 0 <= K -> lipschitz V (fun _ u => K • u) K.
Proof.
  intros K nonnegative t z y. replace (K • z ⊖ K • y) with (K • (z ⊖ y)) by vector.
  rewrite norm_scale, Rabs_right; lra.
Qed.

(** Without negative coefficients f = Ky attains G^n: no smaller factor holds for every K-Lipschitz f. *)
Theorem growth_is_attained : forall tableau t0 h K,
  nonnegative_coefficients tableau -> 0 <= h -> 0 <= K ->
  lipschitz V (fun _ u => K • u) K /\
  forall z y n,
    ‖solution V (equal_step tableau (fun _ u => K • u) t0 h) z n
      ⊖ solution V (equal_step tableau (fun _ u => K • u) t0 h) y n‖
      = runge_kutta_growth tableau (h * K) ^ n * ‖z ⊖ y‖.
Proof.
  intros tableau t0 h K signs forward nonnegative. split; [apply multiple_is_lipschitz; assumption|].
  intros z y n. induction n as [|n step]; simpl; [ring|].
  unfold equal_step at 1 3. rewrite !step_of_a_multiple, <- growth_is_stability by assumption.
  set (u := solution V (equal_step tableau (fun _ u => K • u) t0 h) z n) in *.
  set (w := solution V (equal_step tableau (fun _ u => K • u) t0 h) y n) in *.
  set (G := runge_kutta_growth tableau (h * K)) in *.
  assert (1 <= G) by (apply growth_at_least_one; apply Rmult_le_pos; assumption).
  replace (G • u ⊖ G • w) with (G • (u ⊖ w)) by vector.
  rewrite norm_scale, Rabs_right, step by lra. ring.
Qed.

End RungeKutta.
