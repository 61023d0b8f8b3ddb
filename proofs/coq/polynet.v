(** * Growth under PolyNet

    Statement.   For y_{n+1} = y_n + u_1 + … + u_m with u_0 = y_n, u_{k+1} = hf(t_n, u_k) and a K-Lipschitz f:
                 ‖z_n − y_n‖ ≤ G^n ‖ε‖ with G = 1 + x + … + x^m, x = hK, and f = Ky attains it. With h and K that vary
                 the factor is Π G(h_n K_n).
    Assumptions. any normed space; h ≥ 0; K ≥ 0; f(t, ·) is K-Lipschitz for every t, or K is the largest secant constant
                 of f between the two solutions at u_0, …, u_{m−1}
    Source.      the paper's (15); theory, section 1
    Verdict.     proved for every h
    Theorems.    one_polynet_step, polynet_bound, one_polynet_step_along_a_pair, polynet_along_a_measured_pair,
                 polynet_bound_is_attained *)

From Coq Require Import Reals Lra Lia QArith Qreals.
From NatrobProofs Require Import normed_space one_step_methods theorem_3_1.
Open Scope R_scope.
Open Scope vector_scope.

(** 1 + x + … + x^m by Horner's rule: what the code computes for PolyNet of order m. *)
Fixpoint polynet_growth (order : nat) (x : R) : R :=
  match order with
  | O => 1
  | S before => 1 + x * polynet_growth before x
  end.

Fixpoint polynet_growth_Q (order : nat) (x : Q) : Q :=
  match order with
  | O => 1
  | S before => 1 + x * polynet_growth_Q before x
  end.

Theorem polynet_growth_twin : forall order x, Q2R (polynet_growth_Q order x) = polynet_growth order (Q2R x).
Proof.
  assert (Q2R 1 = 1) as one by (unfold Q2R; simpl; lra).
  intros order x. induction order as [|order step]; simpl; [exact one|].
  rewrite Q2R_plus, Q2R_mult, one, step. reflexivity.
Qed.

(** Σ_{k≤m} x^k, as it is written *)
Lemma polynet_growth_is_a_sum : forall order x, polynet_growth order x = sum_f_R0 (fun k => x ^ k) order.
Proof.
  assert (forall order x, polynet_growth (S order) x = polynet_growth order x + x ^ S order) as last.
  { induction order as [|order step]; intro x; [simpl; ring|].
    change (1 + x * polynet_growth (S order) x = 1 + x * polynet_growth order x + x ^ S (S order)).
    rewrite step. simpl. ring. }
  intros order x. induction order as [|order step]; [reflexivity|]. rewrite last, step. reflexivity.
Qed.

Lemma polynet_growth_at_least_one : forall order x, 0 <= x -> 1 <= polynet_growth order x.
Proof.
  intros order x nonnegative. induction order as [|order step]; simpl; [lra|].
  assert (0 <= x * polynet_growth order x) by (apply Rmult_le_pos; lra). lra.
Qed.

Section PolyNet.

Variable V : NormedSpace.

(** u_0 = y, u_{k+1} = hf(t, u_k) *)
Fixpoint term (f : R -> V -> V) (t h : R) (y : V) (k : nat) : V :=
  match k with
  | O => y
  | S before => h • f t (term f t h y before)
  end.

(** u_0 + u_1 + … + u_m *)
Fixpoint polynet_step (order : nat) (f : R -> V -> V) (t h : R) (y : V) : V :=
  match order with
  | O => y
  | S before => polynet_step before f t h y ⊕ term f t h y order
  end.

(** ** One step *)

(** At the points where the step evaluates f, its two values differ at most by K times the distance. *)
Definition term_secants_at_most (order : nat) (f : R -> V -> V) (t h K : R) (z y : V) : Prop :=
  forall k, (k < order)%nat ->
  ‖f t (term f t h z k) ⊖ f t (term f t h y k)‖ <= K * ‖term f t h z k ⊖ term f t h y k‖.

(** ‖u_k(z) − u_k(y)‖ ≤ x^k ‖z − y‖ *)
Lemma term_difference : forall order f t h K z y,
  0 <= h -> 0 <= K -> term_secants_at_most order f t h K z y ->
  forall k, (k <= order)%nat -> ‖term f t h z k ⊖ term f t h y k‖ <= (h * K) ^ k * ‖z ⊖ y‖.
Proof.
  intros order f t h K z y forward nonnegative secants k. induction k as [|k step]; intro within; simpl; [lra|].
  specialize (secants k within). specialize (step (Nat.lt_le_incl _ _ within)).
  set (u := term f t h z k) in *. set (w := term f t h y k) in *.
  replace (h • f t u ⊖ h • f t w) with (h • (f t u ⊖ f t w)) by vector. rewrite norm_scale, Rabs_right by lra.
  apply Rle_trans with (h * (K * ‖u ⊖ w‖)); [apply Rmult_le_compat_l; assumption|].
  pose proof (Rmult_le_compat_l (h * K) _ _ (Rmult_le_pos _ _ forward nonnegative) step). lra.
Qed.

Theorem one_polynet_step_along_a_pair : forall order f t h K z y,
  0 <= h -> 0 <= K -> term_secants_at_most order f t h K z y ->
  ‖polynet_step order f t h z ⊖ polynet_step order f t h y‖ <= polynet_growth order (h * K) * ‖z ⊖ y‖.
Proof.
  intros order f t h K z y forward nonnegative secants.
  pose proof (term_difference order f t h K z y forward nonnegative secants) as terms.
  rewrite polynet_growth_is_a_sum. clear secants.
  (* the sum of the terms' differences *)
  induction order as [|order step]; [simpl; lra|].
  specialize (step (fun k within => terms k (Nat.le_trans _ _ _ within (Nat.le_succ_diag_r order)))).
  specialize (terms (S order) (Nat.le_refl _)).
  change (polynet_step (S order) f t h z) with (polynet_step order f t h z ⊕ term f t h z (S order)).
  change (polynet_step (S order) f t h y) with (polynet_step order f t h y ⊕ term f t h y (S order)).
  rewrite tech5.
  set (sum_z := polynet_step order f t h z) in *. set (sum_y := polynet_step order f t h y) in *.
  set (u := term f t h z (S order)) in *. set (w := term f t h y (S order)) in *.
  replace ((sum_z ⊕ u) ⊖ (sum_y ⊕ w)) with ((sum_z ⊖ sum_y) ⊕ (u ⊖ w)) by vector.
  apply Rle_trans with (‖sum_z ⊖ sum_y‖ + ‖u ⊖ w‖); [apply norm_triangle|]. lra.
Qed.

Theorem one_polynet_step : forall order f t h K,
  0 <= h -> 0 <= K -> lipschitz V f K ->
  grows_at_most V (polynet_step order f t h) (polynet_growth order (h * K)).
Proof.
  intros order f t h K forward nonnegative constant z y. apply one_polynet_step_along_a_pair; [assumption..|].
  intros k _. apply constant.
Qed.

(** ** Many steps *)

Theorem polynet_bound : forall order f t0 h K,
  0 <= h -> 0 <= K -> lipschitz V f K ->
  let step := fun n => polynet_step order f (t0 + INR n * h) h in
  forall z y n, ‖solution V step z n ⊖ solution V step y n‖ <= polynet_growth order (h * K) ^ n * ‖z ⊖ y‖.
Proof.
  intros order f t0 h K forward nonnegative constant step z y n. apply growth_over_equal_steps.
  - pose proof (polynet_growth_at_least_one order (h * K) (Rmult_le_pos _ _ forward nonnegative)). lra.
  - intro m. apply one_polynet_step; assumption.
Qed.

(** Π G(h_n K_n) with secant constants K_n measured along the two solutions *)
Theorem polynet_along_a_measured_pair : forall order f (time h K : nat -> R) z y,
  let step := fun n => polynet_step order f (time n) (h n) in
  (forall n, 0 <= h n) -> (forall n, 0 <= K n) ->
  (forall n, term_secants_at_most order f (time n) (h n) (K n) (solution V step z n) (solution V step y n)) ->
  forall n,
    ‖solution V step z n ⊖ solution V step y n‖ <= product (fun m => polynet_growth order (h m * K m)) n * ‖z ⊖ y‖.
Proof.
  intros order f time h K z y step forward nonnegative secants.
  apply (growth_along_a_pair V (solution V step z) (solution V step y)
           (fun m => polynet_growth order (h m * K m))); intro m.
  - pose proof (polynet_growth_at_least_one order (h m * K m) (Rmult_le_pos _ _ (forward m) (nonnegative m))). lra.
  - simpl. apply one_polynet_step_along_a_pair; auto.
Qed.

(** ** f = Ky *)

Lemma terms_of_a_multiple : forall K t h (y : V) k, term (fun _ u => K • u) t h y k = (h * K) ^ k • y.
Proof.
  intros K t h y k. induction k as [|k step]; simpl; [rewrite scale_one; reflexivity|]. rewrite step. vector.
Qed.

Lemma polynet_step_of_a_multiple : forall order K t h (y : V),
  polynet_step order (fun _ u => K • u) t h y = polynet_growth order (h * K) • y.
Proof.
  intros order K t h y. rewrite polynet_growth_is_a_sum. induction order as [|order step].
  - simpl. rewrite scale_one. reflexivity.
  - rewrite tech5, scale_sum, <- step, <- (terms_of_a_multiple K t h y (S order)). reflexivity.
Qed.

(** f = Ky attains G^n: no smaller factor holds for every K-Lipschitz f. *)
Theorem polynet_bound_is_attained : forall order t0 h K,
  0 <= h -> 0 <= K ->
  let step := fun n => polynet_step order (fun _ u => K • u) (t0 + INR n * h) h in
  lipschitz V (fun _ u => K • u) K /\
  forall z y n, ‖solution V step z n ⊖ solution V step y n‖ = polynet_growth order (h * K) ^ n * ‖z ⊖ y‖.
Proof.
  intros order t0 h K forward nonnegative step. split.
  - intros t z y. replace (K • z ⊖ K • y) with (K • (z ⊖ y)) by vector. rewrite norm_scale, Rabs_right; lra.
  - intros z y n. induction n as [|n before]; simpl; [ring|].
    unfold step at 1 3. rewrite !polynet_step_of_a_multiple.
    set (u := solution V step z n) in *. set (w := solution V step y n) in *.
    set (G := polynet_growth order (h * K)) in *.
    assert (1 <= G) by (apply polynet_growth_at_least_one; apply Rmult_le_pos; assumption).
    replace (G • u ⊖ G • w) with (G • (u ⊖ w)) by vector.
    rewrite norm_scale, Rabs_right, before by lra. ring.
Qed.

End PolyNet.
