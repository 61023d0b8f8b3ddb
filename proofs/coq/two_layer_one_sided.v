(** * The one-sided constant of two layers

    Statement.   f(y) = W₂σ(W₁y + b₁) + b₂ with secant slopes of σ_i in [c_i − r_i, c_i + r_i] has the one-sided
                 constant μ for every μ with Σ c_i⟨w₁ᵢ, v⟩⟨w₂ᵢ, v⟩ + ½Σ r_i(s_i⟨w₂ᵢ, v⟩² + ⟨w₁ᵢ, v⟩²/s_i) ≤ μ‖v‖² for
                 all v, for any weights s_i > 0; because ⟨v, W₂EW₁v⟩ ≤ ½Σ r_i(s_i⟨w₂ᵢ, v⟩² + ⟨w₁ᵢ, v⟩²/s_i) for
                 |E_i| ≤ r_i. For a gradient flow, w₂ᵢ = −w₁ᵢ and c_i = r_i = ½, the weights s_i = 1 give exactly 0.
    Assumptions. any inner product space; finitely many units with rows w₁ᵢ of W₁ and columns w₂ᵢ of W₂; s_i > 0
    Source.      the bound by squares of the two-layer rule
    Verdict.     proved as stated
    Theorems.    deviation_by_squares, two_layer_one_sided, gradient_flow_weights_give_zero *)

From Coq Require Import Reals Lra Psatz List.
From NatrobProofs Require Import normed_space inner_product_space theorem_3_1 one_sided.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

Section TwoLayers.

Variable E : InnerProductSpace.

(** A hidden unit: its row of W₁ and its bias, its function and the interval of its slopes, its column of W₂. *)
Record Unit : Type := {
  row : E;
  bias : R;
  activation : R -> R;
  column : E;
  centre : R;
  radius : R;
  weight : R
}.

Fixpoint total (term : Unit -> R) (units : list Unit) : R :=
  match units with
  | [] => 0
  | first :: rest => term first + total term rest
  end.

Lemma total_at_most : forall term other units,
  (forall unit, In unit units -> term unit <= other unit) -> total term units <= total other units.
Proof.
  intros term other units each. induction units as [|first rest step]; simpl; [lra|].
  apply Rplus_le_compat; [apply each; left; reflexivity|]. apply step.
  intros unit member. apply each. right. exact member.
Qed.

Lemma total_of_sum : forall term other units,
  total (fun unit => term unit + other unit) units = total term units + total other units.
Proof.
  intros term other units. induction units as [|first rest step]; simpl; [ring|]. rewrite step. ring.
Qed.

(** ½ r (s⟨w₂, v⟩² + ⟨w₁, v⟩²/s) *)
Definition square_term (v : E) (unit : Unit) : R :=
  / 2 * (radius unit * (weight unit * (⟨column unit, v⟩ * ⟨column unit, v⟩)
                        + ⟨row unit, v⟩ * ⟨row unit, v⟩ / weight unit)).

Definition centre_term (v : E) (unit : Unit) : R := centre unit * (⟨row unit, v⟩ * ⟨column unit, v⟩).

(** 2|ab| ≤ sa² + b²/s, because (s|a| − |b|)² ≥ 0. *)
Lemma product_by_squares : forall a b s deviation r,
  0 < s -> Rabs deviation <= r -> deviation * (b * a) <= / 2 * (r * (s * (a * a) + b * b / s)).
Proof.
  intros a b s deviation r positive bound.
  apply Rle_trans with (Rabs deviation * (Rabs b * Rabs a)).
  { rewrite <- !Rabs_mult. apply Rle_abs. }
  apply Rle_trans with (r * (Rabs b * Rabs a)).
  { apply Rmult_le_compat_r; [apply Rmult_le_pos; apply Rabs_pos|exact bound]. }
  pose proof (Rabs_pos deviation) as nonnegative.
  assert (2 * (Rabs b * Rabs a) <= s * (a * a) + b * b / s) as squares.
  { apply Rmult_le_reg_l with s; [assumption|].
    replace (s * (s * (a * a) + b * b / s)) with (s * s * (a * a) + b * b) by (field; lra).
    pose proof (Rle_0_sqr (s * Rabs a - Rabs b)) as square. unfold Rsqr in square.
    assert (forall x, Rabs x * Rabs x = x * x) as signs.
    { intro x. rewrite <- Rabs_mult. apply Rabs_right, Rle_ge, Rle_0_sqr. }
    pose proof (signs a) as of_a. pose proof (signs b) as of_b.
    replace ((s * Rabs a - Rabs b) * (s * Rabs a - Rabs b))
      with (s * s * (Rabs a * Rabs a) - 2 * s * (Rabs b * Rabs a) + Rabs b * Rabs b) in square by ring.
    rewrite of_a, of_b in square. lra. }
  pose proof (Rmult_le_compat_l r _ _ ltac:(lra) squares). lra.
Qed.

(** ⟨v, W₂EW₁v⟩ = Σ E_i⟨w₁ᵢ, v⟩⟨w₂ᵢ, v⟩ *)
Theorem deviation_by_squares : forall (deviation : Unit -> R) units v,
  (forall unit, In unit units -> 0 < weight unit /\ Rabs (deviation unit) <= radius unit) ->
  total (fun unit => deviation unit * (⟨row unit, v⟩ * ⟨column unit, v⟩)) units <= total (square_term v) units.
Proof.
  intros deviation units v each. apply total_at_most. intros unit member.
  destruct (each unit member) as [positive bound]. apply product_by_squares; assumption.
Qed.

(** Σ σ_i(⟨w₁ᵢ, y⟩ + b_i) w₂ᵢ + b₂ *)
Fixpoint layers (units : list Unit) (offset y : E) : E :=
  match units with
  | [] => offset
  | first :: rest => activation first (⟨row first, y⟩ + bias first) • column first ⊕ layers rest offset y
  end.

(** Every secant slope of σ_i lies in [c_i − r_i, c_i + r_i]. *)
Definition slopes_within (unit : Unit) : Prop :=
  forall p q, exists slope, Rabs (slope - centre unit) <= radius unit /\
    activation unit p - activation unit q = slope * (p - q).

(** One unit moves ⟨Δf, e⟩ by d_i⟨w₁ᵢ, e⟩⟨w₂ᵢ, e⟩, d_i its slope. *)
Lemma layers_difference : forall units offset z y,
  (forall unit, In unit units -> 0 < weight unit /\ slopes_within unit) ->
  ⟨layers units offset z ⊖ layers units offset y, z ⊖ y⟩
    <= total (fun unit => centre_term (z ⊖ y) unit + square_term (z ⊖ y) unit) units.
Proof.
  intros units offset z y each. induction units as [|first rest step]; simpl.
  - rewrite add_opposite, dot_zero_left. lra.
  - destruct (each first (or_introl eq_refl)) as [positive slopes].
    specialize (step (fun unit member => each unit (or_intror member))).
    destruct (slopes (⟨row first, z⟩ + bias first) (⟨row first, y⟩ + bias first)) as [slope [bound secant]].
    set (e := z ⊖ y) in *.
    assert (⟨row first, e⟩ = ⟨row first, z⟩ + bias first - (⟨row first, y⟩ + bias first)) as input
      by (unfold e; rewrite dot_add_right, dot_opposite_right; ring).
    rewrite <- input in secant.
    set (p := activation first (⟨row first, z⟩ + bias first)) in *.
    set (q := activation first (⟨row first, y⟩ + bias first)) in *.
    replace ((p • column first ⊕ layers rest offset z) ⊖ (q • column first ⊕ layers rest offset y))
      with ((p - q) • column first ⊕ (layers rest offset z ⊖ layers rest offset y)) by vector.
    rewrite dot_add_left, dot_scale_left, secant.
    pose proof (product_by_squares ⟨column first, e⟩ ⟨row first, e⟩ _ _ _ positive bound) as squares.
    fold (square_term e first) in squares. unfold centre_term at 1. lra.
Qed.

Theorem two_layer_one_sided : forall units offset mu,
  (forall unit, In unit units -> 0 < weight unit /\ slopes_within unit) ->
  (forall v, total (centre_term v) units + total (square_term v) units <= mu * (‖v‖ * ‖v‖)) ->
  one_sided E (fun _ y => layers units offset y) mu.
Proof.
  intros units offset mu each form t z y. apply Rle_trans with (1 := layers_difference units offset z y each).
  rewrite total_of_sum. apply form.
Qed.

(** w₂ᵢ = −w₁ᵢ, slopes in [0, 1] and s_i = 1: −½⟨w, v⟩² + ½·½·2⟨w, v⟩² = 0 *)
Theorem gradient_flow_weights_give_zero : forall units v,
  (forall unit, In unit units ->
    column unit = opposite (row unit) /\ centre unit = / 2 /\ radius unit = / 2 /\ weight unit = 1) ->
  total (centre_term v) units + total (square_term v) units = 0.
Proof.
  intros units v each. rewrite <- total_of_sum. induction units as [|first rest step]; simpl; [reflexivity|].
  rewrite step by (intros unit member; apply each; right; exact member).
  destruct (each first (or_introl eq_refl)) as [same [middle [reach one]]].
  unfold centre_term, square_term. rewrite same, middle, reach, one, dot_opposite_left. field.
Qed.

End TwoLayers.
