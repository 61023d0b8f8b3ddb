(** * Growth under FractalNet's expansion

    Statement.   For y_{n+1} = f_C(y_n) with f_1 = hf(t_n, ·), f_{C+1} = ½ f_C∘f_C + ½ f_1 and a K-Lipschitz f:
                 ‖z_n − y_n‖ ≤ L_C^n ‖ε‖ with L_1 = x = hK, L_{C+1} = ½ L_C² + ½ x, and f = Ky attains it. With h and K
                 that vary the factor is Π L_C(h_n K_n).
    Assumptions. any normed space; h ≥ 0; K ≥ 0; f(t, ·) is K-Lipschitz for every t, or K is the largest secant constant
                 of f between the two solutions at the nodes of the fractal; at least one column
    Source.      the paper's (19); theory, section 1
    Verdict.     proved for every h
    Theorems.    one_fractalnet_step, fractalnet_bound, one_fractalnet_step_along_a_pair,
                 fractalnet_along_a_measured_pair, fractalnet_bound_is_attained *)

From Coq Require Import Reals Lra QArith Qreals.
From NatrobProofs Require Import normed_space one_step_methods theorem_3_1.
Open Scope R_scope.
Open Scope vector_scope.

(** L_C. There is at least one column; no column counts as one. *)
Fixpoint fractalnet_growth (columns : nat) (x : R) : R :=
  match columns with
  | O | S O => x
  | S before => / 2 * fractalnet_growth before x ^ 2 + / 2 * x
  end.

Fixpoint fractalnet_growth_Q (columns : nat) (x : Q) : Q :=
  match columns with
  | O | S O => x
  | S before => (1 # 2) * (fractalnet_growth_Q before x * fractalnet_growth_Q before x) + (1 # 2) * x
  end.

(** What holds for one column, and for one more than any number from 1 on, holds for all. *)
Lemma by_columns : forall property : nat -> Prop,
  property O -> property 1%nat -> (forall before, property (S before) -> property (S (S before))) ->
  forall columns, property columns.
Proof.
  intros property none one more [|before]; [exact none|]. induction before as [|before step]; auto.
Qed.

Lemma fractalnet_growth_of_one_more : forall before x,
  fractalnet_growth (S (S before)) x = / 2 * fractalnet_growth (S before) x ^ 2 + / 2 * x.
Proof.
  reflexivity.
Qed.

Theorem fractalnet_growth_twin : forall columns x,
  Q2R (fractalnet_growth_Q columns x) = fractalnet_growth columns (Q2R x).
Proof.
  intros columns x. induction columns as [| |before step] using by_columns; [reflexivity..|].
  rewrite fractalnet_growth_of_one_more.
  change (fractalnet_growth_Q (S (S before)) x) with
    ((1 # 2) * (fractalnet_growth_Q (S before) x * fractalnet_growth_Q (S before) x) + (1 # 2) * x)%Q.
  rewrite Q2R_plus, !Q2R_mult, step. replace (Q2R (1 # 2)) with (/ 2) by (unfold Q2R; simpl; lra). simpl. ring.
Qed.

Lemma fractalnet_growth_nonnegative : forall columns x, 0 <= x -> 0 <= fractalnet_growth columns x.
Proof.
  intros columns x nonnegative. induction columns as [| |before step] using by_columns; [exact nonnegative..|].
  rewrite fractalnet_growth_of_one_more. pose proof (pow_le _ 2 step). lra.
Qed.

Section FractalNet.

Variable V : NormedSpace.

(** f_C *)
Fixpoint fractalnet_step (columns : nat) (f : R -> V -> V) (t h : R) (y : V) : V :=
  match columns with
  | O | S O => h • f t y
  | S before => / 2 • fractalnet_step before f t h (fractalnet_step before f t h y) ⊕ / 2 • (h • f t y)
  end.

Lemma fractalnet_step_of_one_more : forall before f t h y,
  fractalnet_step (S (S before)) f t h y
    = / 2 • fractalnet_step (S before) f t h (fractalnet_step (S before) f t h y) ⊕ / 2 • (h • f t y).
Proof.
  reflexivity.
Qed.

(** ** One step *)

(** At every node of the fractal the two values of f differ at most by K times the distance of its arguments: at the
    argument itself, and within both halves of f_C∘f_C. *)
Fixpoint node_secants_at_most (columns : nat) (f : R -> V -> V) (t h K : R) (z y : V) : Prop :=
  match columns with
  | O | S O => ‖f t z ⊖ f t y‖ <= K * ‖z ⊖ y‖
  | S before =>
      ‖f t z ⊖ f t y‖ <= K * ‖z ⊖ y‖ /\
      node_secants_at_most before f t h K z y /\
      node_secants_at_most before f t h K (fractalnet_step before f t h z) (fractalnet_step before f t h y)
  end.

Lemma base_difference : forall (f : R -> V -> V) t h K z y,
  0 <= h -> ‖f t z ⊖ f t y‖ <= K * ‖z ⊖ y‖ -> ‖h • f t z ⊖ h • f t y‖ <= h * K * ‖z ⊖ y‖.
Proof.
  intros f t h K z y forward secant. replace (h • f t z ⊖ h • f t y) with (h • (f t z ⊖ f t y)) by vector.
  rewrite norm_scale, Rabs_right, Rmult_assoc by lra. apply Rmult_le_compat_l; assumption.
Qed.

Theorem one_fractalnet_step_along_a_pair : forall columns f t h K z y,
  0 <= h -> 0 <= K -> node_secants_at_most columns f t h K z y ->
  ‖fractalnet_step columns f t h z ⊖ fractalnet_step columns f t h y‖ <= fractalnet_growth columns (h * K) * ‖z ⊖ y‖.
Proof.
  intros columns f t h K z y forward nonnegative.
  assert (0 <= h * K) as x_nonnegative by (apply Rmult_le_pos; assumption).
  revert z y. induction columns as [| |before step] using by_columns; intros z y secants;
    [apply base_difference; assumption..|].
  destruct secants as [base [first second]].
  pose proof (base_difference f t h K z y forward base) as base_bound.
  (* f_C grows distances by L_C, then by L_C again *)
  pose proof (step _ _ first) as first_bound. pose proof (step _ _ second) as second_bound.
  rewrite !fractalnet_step_of_one_more, fractalnet_growth_of_one_more.
  pose proof (fractalnet_growth_nonnegative (S before) (h * K) x_nonnegative) as growth_nonnegative.
  set (L := fractalnet_growth (S before) (h * K)) in *.
  set (map := fractalnet_step (S before) f t h) in *.
  set (base_z := h • f t z) in *. set (base_y := h • f t y) in *.
  replace ((/ 2 • map (map z) ⊕ / 2 • base_z) ⊖ (/ 2 • map (map y) ⊕ / 2 • base_y))
    with (/ 2 • (map (map z) ⊖ map (map y)) ⊕ / 2 • (base_z ⊖ base_y)) by vector.
  apply Rle_trans with (‖/ 2 • (map (map z) ⊖ map (map y))‖ + ‖/ 2 • (base_z ⊖ base_y)‖); [apply norm_triangle|].
  rewrite !norm_scale, Rabs_right by lra.
  pose proof (Rmult_le_compat_l L _ _ growth_nonnegative first_bound). simpl. lra.
Qed.

Lemma node_secants_from_lipschitz : forall columns f t h K,
  lipschitz V f K -> forall z y, node_secants_at_most columns f t h K z y.
Proof.
  intros columns f t h K constant. induction columns as [| |before step] using by_columns; intros z y;
    [apply constant..|]. repeat split; auto.
Qed.

Theorem one_fractalnet_step : forall columns f t h K,
  0 <= h -> 0 <= K -> lipschitz V f K ->
  grows_at_most V (fractalnet_step columns f t h) (fractalnet_growth columns (h * K)).
Proof.
  intros columns f t h K forward nonnegative constant z y. apply one_fractalnet_step_along_a_pair; [assumption..|].
  apply node_secants_from_lipschitz. assumption.
Qed.

(** ** Many steps *)

Theorem fractalnet_bound : forall columns f t0 h K,
  0 <= h -> 0 <= K -> lipschitz V f K ->
  let step := fun n => fractalnet_step columns f (t0 + INR n * h) h in
  forall z y n, ‖solution V step z n ⊖ solution V step y n‖ <= fractalnet_growth columns (h * K) ^ n * ‖z ⊖ y‖.
Proof.
  intros columns f t0 h K forward nonnegative constant step z y n. apply growth_over_equal_steps.
  - apply fractalnet_growth_nonnegative. apply Rmult_le_pos; assumption.
  - intro m. apply one_fractalnet_step; assumption.
Qed.

(** Π L_C(h_n K_n) with secant constants K_n measured along the two solutions *)
Theorem fractalnet_along_a_measured_pair : forall columns f (time h K : nat -> R) z y,
  let step := fun n => fractalnet_step columns f (time n) (h n) in
  (forall n, 0 <= h n) -> (forall n, 0 <= K n) ->
  (forall n, node_secants_at_most columns f (time n) (h n) (K n) (solution V step z n) (solution V step y n)) ->
  forall n,
    ‖solution V step z n ⊖ solution V step y n‖
      <= product (fun m => fractalnet_growth columns (h m * K m)) n * ‖z ⊖ y‖.
Proof.
  intros columns f time h K z y step forward nonnegative secants.
  apply (growth_along_a_pair V (solution V step z) (solution V step y)
           (fun m => fractalnet_growth columns (h m * K m))); intro m.
  - apply fractalnet_growth_nonnegative. apply Rmult_le_pos; auto.
  - simpl. apply one_fractalnet_step_along_a_pair; auto.
Qed.

(** ** f = Ky *)

Lemma fractalnet_step_of_a_multiple : forall columns K t h (y : V),
  fractalnet_step columns (fun _ u => K • u) t h y = fractalnet_growth columns (h * K) • y.
Proof.
  intros columns K t h. induction columns as [| |before step] using by_columns; intro y; [simpl; vector..|].
  rewrite fractalnet_step_of_one_more, fractalnet_growth_of_one_more, !step.
  set (L := fractalnet_growth (S before) (h * K)). vector.
Qed.

(** f = Ky attains L_C^n: no smaller factor holds for every K-Lipschitz f. *)
Theorem fractalnet_bound_is_attained : forall columns t0 h K,
  0 <= h -> 0 <= K ->
  let step := fun n => fractalnet_step columns (fun _ u => K • u) (t0 + INR n * h) h in
  lipschitz V (fun _ u => K • u) K /\
  forall z y n, ‖solution V step z n ⊖ solution V step y n‖ = fractalnet_growth columns (h * K) ^ n * ‖z ⊖ y‖.
Proof.
  intros columns t0 h K forward nonnegative step. split.
  - intros t z y. replace (K • z ⊖ K • y) with (K • (z ⊖ y)) by vector. rewrite norm_scale, Rabs_right; lra.
  - intros z y n. induction n as [|n before]; simpl; [ring|].
    unfold step at 1 3. rewrite !fractalnet_step_of_a_multiple.
    set (u := solution V step z n) in *. set (w := solution V step y n) in *.
    pose proof (fractalnet_growth_nonnegative columns (h * K) (Rmult_le_pos _ _ forward nonnegative)).
    set (L := fractalnet_growth columns (h * K)) in *.
    replace (L • u ⊖ L • w) with (L • (u ⊖ w)) by vector.
    rewrite norm_scale, Rabs_right, before by lra. ring.
Qed.

End FractalNet.
