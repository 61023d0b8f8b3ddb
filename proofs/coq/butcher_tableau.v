(** * Explicit Runge–Kutta methods as data

    A tableau is a list of stages, each with its node c_i and the entries a_i1 … a_i(i−1) of its row of A, and a list of
    weights b_i: all of them rational numbers, as in print. This file defines the step in any normed space, the points
    at which it evaluates f, and the two numbers that the stages compute from x: the growth factor
    G(x) = 1 + x Σ |b_i| κ_i with κ_i = 1 + x Σ |a_ij| κ_j, and the stability function, the same without absolute
    values. Both have a twin over the rational numbers that computes. *)

From Coq Require Import Reals Lra QArith Qabs Qreals List.
From NatrobProofs Require Import normed_space.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

Record Tableau : Type := {
  stages : list (Q * list Q);
  weights : list Q
}.

(** ** Stages that count

    A stage after the last nonzero weight serves error control only: the step does without it. *)

Fixpoint without_last_zeros (coefficients : list Q) : list Q :=
  match coefficients with
  | [] => []
  | first :: rest =>
      match without_last_zeros rest with
      | [] => if Qeq_bool first 0 then [] else [first]
      | kept => first :: kept
      end
  end.

Definition used (tableau : Tableau) : Tableau :=
  let kept := without_last_zeros (weights tableau) in
  {| stages := firstn (length kept) (stages tableau); weights := kept |}.

(** ** The step *)

Section Step.

Variable V : NormedSpace.

(** Σ a_j k_j; a list that is too long is read as far as the other one goes *)
Fixpoint combined (coefficients : list Q) (slopes : list V) : V :=
  match coefficients, slopes with
  | a :: rest, k :: others => Q2R a • k ⊕ combined rest others
  | _, _ => zero
  end.

(** The points y + h Σ_{j<i} a_ij k_j, each with its slope k_i = f(t + c_i h, ·); [known] are the slopes so far. *)
Fixpoint evaluations (f : R -> V -> V) (t h : R) (y : V) (remaining : list (Q * list Q)) (known : list V)
  : list (V * V) :=
  match remaining with
  | [] => []
  | (node, row) :: rest =>
      let point := y ⊕ h • combined row known in
      let slope := f (t + Q2R node * h) point in
      (point, slope) :: evaluations f t h y rest (known ++ [slope])
  end.

(** The increment function Φ(t, y, h) = Σ b_i k_i *)
Definition increment (tableau : Tableau) (f : R -> V -> V) (t h : R) (y : V) : V :=
  combined (weights tableau) (map snd (evaluations f t h y (stages tableau) [])).

Definition runge_kutta_step (tableau : Tableau) (f : R -> V -> V) (t h : R) (y : V) : V :=
  y ⊕ h • increment tableau f t h y.

Lemma combined_without_last_zeros : forall coefficients slopes,
  combined (without_last_zeros coefficients) slopes = combined coefficients slopes.
Proof.
  induction coefficients as [|a rest step]; intros [|k others]; try reflexivity.
  - simpl. destruct (without_last_zeros rest); [destruct (Qeq_bool a 0)|]; reflexivity.
  - specialize (step others). simpl. destruct (without_last_zeros rest) as [|b more].
    + rewrite <- step. destruct (Qeq_bool a 0) eqn:null; simpl; [|reflexivity].
      (* a = 0 adds nothing *)
      rewrite (Qeq_eqR _ _ (Qeq_bool_eq _ _ null)). replace (Q2R 0) with 0 by (unfold Q2R; simpl; lra). vector.
    + simpl in *. rewrite step. reflexivity.
Qed.

Lemma combined_reads_as_many : forall coefficients slopes,
  combined coefficients (firstn (length coefficients) slopes) = combined coefficients slopes.
Proof.
  induction coefficients as [|a rest step]; intros [|k others]; simpl; try reflexivity. rewrite step. reflexivity.
Qed.

Lemma evaluations_of_first_stages : forall f t h y n remaining known,
  evaluations f t h y (firstn n remaining) known = firstn n (evaluations f t h y remaining known).
Proof.
  intros f t h y. induction n as [|n step]; intros [|[node row] rest] known; simpl; try reflexivity.
  rewrite step. reflexivity.
Qed.

Lemma increment_of_used_stages : forall tableau f t h y, increment (used tableau) f t h y = increment tableau f t h y.
Proof.
  intros tableau f t h y. unfold increment, used. simpl.
  rewrite evaluations_of_first_stages, <- firstn_map, combined_reads_as_many. apply combined_without_last_zeros.
Qed.

End Step.

(** ** Growth factor and stability function

    [part] says what of a coefficient enters: its absolute value, or the coefficient itself. *)

Fixpoint total (part : Q -> R) (coefficients : list Q) (factors : list R) : R :=
  match coefficients, factors with
  | a :: rest, factor :: others => part a * factor + total part rest others
  | _, _ => 0
  end.

(** κ_i = 1 + x Σ_{j<i} a_ij κ_j *)
Fixpoint stage_factors (part : Q -> R) (x : R) (remaining : list (Q * list Q)) (known : list R) : list R :=
  match remaining with
  | [] => []
  | (_, row) :: rest =>
      let factor := 1 + x * total part row known in
      factor :: stage_factors part x rest (known ++ [factor])
  end.

(** Σ b_i κ_i *)
Definition increment_factor (part : Q -> R) (tableau : Tableau) (x : R) : R :=
  total part (weights tableau) (stage_factors part x (stages tableau) []).

Definition magnitude (a : Q) : R := Rabs (Q2R a).

(** G(x), the growth factor that the code computes from x = hK *)
Definition runge_kutta_growth (tableau : Tableau) (x : R) : R := 1 + x * increment_factor magnitude tableau x.

(** R(z): one step takes y to R(hλ) y for f = λy *)
Definition runge_kutta_stability (tableau : Tableau) (x : R) : R := 1 + x * increment_factor Q2R tableau x.

(** What the increment's Lipschitz constant is a multiple of: KΣ |b_i| κ_i *)
Definition increment_constant (tableau : Tableau) (h K : R) : R := K * increment_factor magnitude tableau (h * K).

Section Factors.

Variable part : Q -> R.
Hypothesis part_of_zero : forall a, (a == 0)%Q -> part a = 0.

Lemma total_without_last_zeros : forall coefficients factors,
  total part (without_last_zeros coefficients) factors = total part coefficients factors.
Proof.
  induction coefficients as [|a rest step]; intros [|factor others]; try reflexivity.
  - simpl. destruct (without_last_zeros rest); [destruct (Qeq_bool a 0)|]; reflexivity.
  - specialize (step others). simpl. destruct (without_last_zeros rest) as [|b more].
    + rewrite <- step. destruct (Qeq_bool a 0) eqn:null; simpl; [|reflexivity].
      rewrite (part_of_zero _ (Qeq_bool_eq _ _ null)). ring.
    + simpl in *. rewrite step. reflexivity.
Qed.

Lemma total_reads_as_many : forall coefficients factors,
  total part coefficients (firstn (length coefficients) factors) = total part coefficients factors.
Proof.
  induction coefficients as [|a rest step]; intros [|factor others]; simpl; try reflexivity.
  rewrite step. reflexivity.
Qed.

Lemma factors_of_first_stages : forall x n remaining known,
  stage_factors part x (firstn n remaining) known = firstn n (stage_factors part x remaining known).
Proof.
  intro x. induction n as [|n step]; intros [|[node row] rest] known; simpl; try reflexivity.
  rewrite step. reflexivity.
Qed.

Lemma increment_factor_of_used_stages : forall tableau x,
  increment_factor part (used tableau) x = increment_factor part tableau x.
Proof.
  intros tableau x. unfold increment_factor, used. simpl.
  rewrite factors_of_first_stages, total_reads_as_many. apply total_without_last_zeros.
Qed.

End Factors.

Lemma magnitude_of_zero : forall a, (a == 0)%Q -> magnitude a = 0.
Proof.
  intros a null. unfold magnitude. rewrite (Qeq_eqR _ _ null).
  replace (Q2R 0) with 0 by (unfold Q2R; simpl; lra). apply Rabs_R0.
Qed.

Lemma total_nonnegative : forall coefficients factors,
  Forall (fun factor => 0 <= factor) factors -> 0 <= total magnitude coefficients factors.
Proof.
  induction coefficients as [|a rest step]; intros [|factor others] nonnegative; simpl; try lra.
  inversion nonnegative as [|? ? first remaining]; subst.
  pose proof (Rmult_le_pos _ _ (Rabs_pos (Q2R a)) first). specialize (step _ remaining). unfold magnitude in *. lra.
Qed.

Lemma stage_factors_nonnegative : forall x, 0 <= x -> forall remaining known,
  Forall (fun factor => 0 <= factor) known ->
  Forall (fun factor => 0 <= factor) (stage_factors magnitude x remaining known).
Proof.
  intros x nonnegative. induction remaining as [|[node row] rest step]; intros known before; simpl; constructor.
  - pose proof (Rmult_le_pos _ _ nonnegative (total_nonnegative row known before)). lra.
  - apply step. apply Forall_app. split; [assumption|]. constructor; [|constructor].
    pose proof (Rmult_le_pos _ _ nonnegative (total_nonnegative row known before)). lra.
Qed.

Lemma increment_factor_nonnegative : forall tableau x, 0 <= x -> 0 <= increment_factor magnitude tableau x.
Proof.
  intros tableau x nonnegative. apply total_nonnegative. apply stage_factors_nonnegative; [assumption|constructor].
Qed.

Lemma growth_at_least_one : forall tableau x, 0 <= x -> 1 <= runge_kutta_growth tableau x.
Proof.
  intros tableau x nonnegative. unfold runge_kutta_growth.
  pose proof (Rmult_le_pos _ _ nonnegative (increment_factor_nonnegative tableau x nonnegative)). lra.
Qed.

(** ** Without negative coefficients the growth factor is the stability function *)

Definition nonnegative_coefficients (tableau : Tableau) : Prop :=
  Forall (fun b => (0 <= b)%Q) (weights tableau) /\
  Forall (fun stage => Forall (fun a => (0 <= a)%Q) (snd stage)) (stages tableau).

Lemma magnitude_of_nonnegative : forall a, (0 <= a)%Q -> magnitude a = Q2R a.
Proof.
  intros a nonnegative. apply Qle_Rle in nonnegative. replace (Q2R 0) with 0 in nonnegative by (unfold Q2R; simpl; lra).
  apply Rabs_right. lra.
Qed.

Lemma total_of_nonnegative : forall coefficients factors,
  Forall (fun a => (0 <= a)%Q) coefficients -> total magnitude coefficients factors = total Q2R coefficients factors.
Proof.
  induction coefficients as [|a rest step]; intros [|factor others] nonnegative; simpl; try reflexivity.
  inversion nonnegative as [|? ? first remaining]; subst.
  rewrite magnitude_of_nonnegative, step by assumption. reflexivity.
Qed.

Lemma growth_is_stability : forall tableau x,
  nonnegative_coefficients tableau -> runge_kutta_growth tableau x = runge_kutta_stability tableau x.
Proof.
  intros tableau x [row_of_weights rows]. unfold runge_kutta_growth, runge_kutta_stability, increment_factor.
  rewrite total_of_nonnegative by assumption. do 3 f_equal.
  generalize (@nil R). induction rows as [|[node row] rest first remaining step]; intro known; simpl; [reflexivity|].
  rewrite total_of_nonnegative, step by assumption. reflexivity.
Qed.

(** ** The twins over the rational numbers *)

Fixpoint total_Q (part : Q -> Q) (coefficients : list Q) (factors : list Q) : Q :=
  match coefficients, factors with
  | a :: rest, factor :: others => part a * factor + total_Q part rest others
  | _, _ => 0
  end.

(** [Qred] keeps the fractions short. *)
Fixpoint stage_factors_Q (part : Q -> Q) (x : Q) (remaining : list (Q * list Q)) (known : list Q) : list Q :=
  match remaining with
  | [] => []
  | (_, row) :: rest =>
      let factor := Qred (1 + x * total_Q part row known) in
      factor :: stage_factors_Q part x rest (known ++ [factor])
  end.

Definition increment_factor_Q (part : Q -> Q) (tableau : Tableau) (x : Q) : Q :=
  total_Q part (weights tableau) (stage_factors_Q part x (stages tableau) []).

Definition runge_kutta_growth_Q (tableau : Tableau) (x : Q) : Q :=
  Qred (1 + x * increment_factor_Q Qabs tableau x).

Definition runge_kutta_stability_Q (tableau : Tableau) (x : Q) : Q :=
  Qred (1 + x * increment_factor_Q (fun a => a) tableau x).

Lemma Q2R_one : Q2R 1 = 1.
Proof.
  unfold Q2R. simpl. lra.
Qed.

Lemma Q2R_zero : Q2R 0 = 0.
Proof.
  unfold Q2R. simpl. lra.
Qed.

Lemma Q2R_reduced : forall a, Q2R (Qred a) = Q2R a.
Proof.
  intro a. apply Qeq_eqR. apply Qred_correct.
Qed.

Lemma Q2R_absolute : forall a, Q2R (Qabs a) = magnitude a.
Proof.
  intro a. unfold magnitude. apply Qabs_case; intro sign; apply Qle_Rle in sign; rewrite Q2R_zero in sign.
  - rewrite Rabs_right; lra.
  - rewrite Q2R_opp, Rabs_left1; lra.
Qed.

Section Twins.

Variable part_Q : Q -> Q.
Variable part : Q -> R.
Hypothesis same_part : forall a, Q2R (part_Q a) = part a.

Lemma total_twin : forall coefficients factors,
  Q2R (total_Q part_Q coefficients factors) = total part coefficients (map Q2R factors).
Proof.
  induction coefficients as [|a rest step]; intros [|factor others]; simpl; try apply Q2R_zero.
  rewrite Q2R_plus, Q2R_mult, same_part, step. reflexivity.
Qed.

Lemma stage_factors_twin : forall x remaining known,
  map Q2R (stage_factors_Q part_Q x remaining known) = stage_factors part (Q2R x) remaining (map Q2R known).
Proof.
  intro x. induction remaining as [|[node row] rest step]; intro known; [reflexivity|].
  cbn [stage_factors_Q stage_factors map].
  assert (Q2R (Qred (1 + x * total_Q part_Q row known)) = 1 + Q2R x * total part row (map Q2R known)) as head.
  { rewrite Q2R_reduced, Q2R_plus, Q2R_mult, Q2R_one, total_twin. reflexivity. }
  rewrite step, map_app. cbn [map]. rewrite head. reflexivity.
Qed.

Lemma increment_factor_twin : forall tableau x,
  Q2R (increment_factor_Q part_Q tableau x) = increment_factor part tableau (Q2R x).
Proof.
  intros tableau x. unfold increment_factor_Q, increment_factor. rewrite total_twin, stage_factors_twin. reflexivity.
Qed.

End Twins.

Theorem runge_kutta_growth_twin : forall tableau x,
  Q2R (runge_kutta_growth_Q tableau x) = runge_kutta_growth tableau (Q2R x).
Proof.
  intros tableau x. unfold runge_kutta_growth_Q, runge_kutta_growth.
  rewrite Q2R_reduced, Q2R_plus, Q2R_mult, Q2R_one, (increment_factor_twin _ _ Q2R_absolute). reflexivity.
Qed.

Theorem runge_kutta_stability_twin : forall tableau x,
  Q2R (runge_kutta_stability_Q tableau x) = runge_kutta_stability tableau (Q2R x).
Proof.
  intros tableau x. unfold runge_kutta_stability_Q, runge_kutta_stability.
  rewrite Q2R_reduced, Q2R_plus, Q2R_mult, Q2R_one, (increment_factor_twin _ Q2R); [reflexivity|]. reflexivity.
Qed.
