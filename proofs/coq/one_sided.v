(** * One-sided constants, and how they combine

    Statement.   ⟨f(t, z) − f(t, y), z − y⟩ ≤ μ‖z − y‖² gives −K ≤ μ, and μ = K always works; μ(f + g) ≤ μ(f) + μ(g),
                 μ(cf) = cμ(f) for c ≥ 0, μ ≤ |c|K for c < 0, μ(f − ρy) = μ(f) − ρ; K of a sum is at most the sum of
                 the K, of cf it is |c|K, of f − ρy at most K + ρ.
    Assumptions. any inner product space; f(t, ·) is K-Lipschitz where K is named; ρ ≥ 0 in the last;
                 for −K ≤ μ two points differ
    Source.      theory, the symbols and section 5; the field rules
    Verdict.     proved as stated
    Theorems.    one_sided_between, one_sided_of_sum, one_sided_of_sums, one_sided_of_multiple,
                 one_sided_of_negative_multiple, one_sided_with_dissipation, lipschitz_of_sums, lipschitz_of_multiple,
                 lipschitz_with_dissipation *)

From Coq Require Import Reals Lra Psatz List.
From NatrobProofs Require Import normed_space inner_product_space theorem_3_1.
Import ListNotations.
Open Scope R_scope.
Open Scope vector_scope.

Section OneSided.

Variable E : InnerProductSpace.

(** μ is a one-sided constant of f. The smallest such number is the logarithmic norm of f. *)
Definition one_sided (f : R -> E -> E) (mu : R) : Prop :=
  forall t z y, ⟨f t z ⊖ f t y, z ⊖ y⟩ <= mu * (‖z ⊖ y‖ * ‖z ⊖ y‖).

Lemma norm_squared_nonnegative : forall u : E, 0 <= ‖u‖ * ‖u‖.
Proof.
  intro u. apply Rle_0_sqr.
Qed.

Lemma one_sided_grows : forall f mu larger, mu <= larger -> one_sided f mu -> one_sided f larger.
Proof.
  intros f mu larger order constant t z y. apply Rle_trans with (mu * (‖z ⊖ y‖ * ‖z ⊖ y‖)); [apply constant|].
  apply Rmult_le_compat_r; [apply norm_squared_nonnegative|assumption].
Qed.

(** ** −K ≤ μ ≤ K *)

(** ⟨Δf, e⟩ ≤ ‖Δf‖‖e‖ ≤ K‖e‖² *)
Lemma one_sided_of_lipschitz : forall f K, lipschitz E f K -> one_sided f K.
Proof.
  intros f K constant t z y. apply Rle_trans with (‖f t z ⊖ f t y‖ * ‖z ⊖ y‖); [apply cauchy_schwarz|].
  rewrite <- Rmult_assoc. apply Rmult_le_compat_r; [apply norm_nonnegative|apply constant].
Qed.

(** −K‖e‖² ≤ −‖Δf‖‖e‖ ≤ ⟨Δf, e⟩ ≤ μ‖e‖² *)
Lemma one_sided_from_below : forall f K mu (z y : E),
  lipschitz E f K -> one_sided f mu -> - K * (‖z ⊖ y‖ * ‖z ⊖ y‖) <= mu * (‖z ⊖ y‖ * ‖z ⊖ y‖).
Proof.
  intros f K mu z y constant bound. set (t := 0).
  pose proof (cauchy_schwarz _ (opposite (f t z ⊖ f t y)) (z ⊖ y)) as negative.
  rewrite norm_opposite, dot_opposite_left in negative.
  pose proof (Rmult_le_compat_r (‖z ⊖ y‖) _ _ (norm_nonnegative _ _) (constant t z y)) as product.
  pose proof (bound t z y). lra.
Qed.

Theorem one_sided_between : forall f K mu,
  lipschitz E f K -> one_sided f K /\ (one_sided f mu -> forall z y : E, z <> y -> - K <= mu).
Proof.
  intros f K mu constant. split; [apply one_sided_of_lipschitz; assumption|].
  intros bound z y differ.
  assert (0 < ‖z ⊖ y‖) as positive.
  { destruct (norm_nonnegative _ (z ⊖ y)) as [positive|null]; [exact positive|]. exfalso. apply differ.
    symmetry in null. apply norm_separates in null.
    replace z with ((z ⊖ y) ⊕ y) by vector. rewrite null. vector. }
  apply Rmult_le_reg_r with (‖z ⊖ y‖ * ‖z ⊖ y‖); [apply Rmult_lt_0_compat; assumption|].
  apply one_sided_from_below with (f := f); assumption.
Qed.

(** ** Sums *)

Definition sum_of (f g : R -> E -> E) : R -> E -> E := fun t y => f t y ⊕ g t y.

Lemma difference_of_sum : forall f g t z y,
  sum_of f g t z ⊖ sum_of f g t y = (f t z ⊖ f t y) ⊕ (g t z ⊖ g t y).
Proof.
  intros f g t z y. unfold sum_of. vector.
Qed.

Theorem one_sided_of_sum : forall f g mu nu, one_sided f mu -> one_sided g nu -> one_sided (sum_of f g) (mu + nu).
Proof.
  intros f g mu nu first second t z y. rewrite difference_of_sum, dot_add_left.
  pose proof (first t z y). pose proof (second t z y). lra.
Qed.

Theorem lipschitz_of_sum : forall f g K L, lipschitz E f K -> lipschitz E g L -> lipschitz E (sum_of f g) (K + L).
Proof.
  intros f g K L first second t z y. rewrite difference_of_sum.
  apply Rle_trans with (‖f t z ⊖ f t y‖ + ‖g t z ⊖ g t y‖); [apply norm_triangle|].
  pose proof (first t z y). pose proof (second t z y). lra.
Qed.

(** Of finitely many fields with their constants, Σ f_i and Σ μ_i. *)
Fixpoint sum_of_fields (fields : list (R -> E -> E)) : R -> E -> E :=
  match fields with
  | [] => fun _ _ => zero
  | first :: rest => sum_of first (sum_of_fields rest)
  end.

Fixpoint sum_of_numbers (numbers : list R) : R :=
  match numbers with
  | [] => 0
  | first :: rest => first + sum_of_numbers rest
  end.

Theorem one_sided_of_sums : forall fields constants,
  Forall2 one_sided fields constants -> one_sided (sum_of_fields fields) (sum_of_numbers constants).
Proof.
  intros fields constants each. induction each as [|f mu fields constants first _ rest]; simpl.
  - intros t z y. rewrite add_opposite, dot_zero_left. lra.
  - apply one_sided_of_sum; assumption.
Qed.

Theorem lipschitz_of_sums : forall fields constants,
  Forall2 (lipschitz E) fields constants -> lipschitz E (sum_of_fields fields) (sum_of_numbers constants).
Proof.
  intros fields constants each. induction each as [|f K fields constants first _ rest]; simpl.
  - intros t z y. rewrite add_opposite, norm_zero. lra.
  - apply lipschitz_of_sum; assumption.
Qed.

(** ** Multiples *)

Definition multiple_of (c : R) (f : R -> E -> E) : R -> E -> E := fun t y => c • f t y.

Lemma difference_of_multiple : forall c f t z y,
  multiple_of c f t z ⊖ multiple_of c f t y = c • (f t z ⊖ f t y).
Proof.
  intros c f t z y. unfold multiple_of. vector.
Qed.

(** μ(cf) = cμ(f): cμ is a constant of cf, and for c > 0 no constant of cf is smaller than c times one of f. *)
Theorem one_sided_of_multiple : forall f c mu,
  (0 <= c -> one_sided f mu -> one_sided (multiple_of c f) (c * mu)) /\
  (0 < c -> one_sided (multiple_of c f) (c * mu) -> one_sided f mu).
Proof.
  intros f c mu. split.
  - intros nonnegative constant t z y. rewrite difference_of_multiple, dot_scale_left, Rmult_assoc.
    apply Rmult_le_compat_l; [assumption|apply constant].
  - intros positive constant t z y. apply Rmult_le_reg_l with c; [assumption|].
    pose proof (constant t z y) as bound. rewrite difference_of_multiple, dot_scale_left in bound. lra.
Qed.

Theorem lipschitz_of_multiple : forall f c K, lipschitz E f K -> lipschitz E (multiple_of c f) (Rabs c * K).
Proof.
  intros f c K constant t z y. rewrite difference_of_multiple, norm_scale, Rmult_assoc.
  apply Rmult_le_compat_l; [apply Rabs_pos|apply constant].
Qed.

(** A negative multiple turns the sign of ⟨Δf, e⟩: only |c|K is left. *)
Theorem one_sided_of_negative_multiple : forall f c K,
  lipschitz E f K -> one_sided (multiple_of c f) (Rabs c * K).
Proof.
  intros f c K constant. apply one_sided_of_lipschitz, lipschitz_of_multiple, constant.
Qed.

(** ** Dissipation *)

Definition dissipative (f : R -> E -> E) (rho : R) : R -> E -> E := fun t y => f t y ⊖ rho • y.

Lemma difference_with_dissipation : forall f rho t z y,
  dissipative f rho t z ⊖ dissipative f rho t y = (f t z ⊖ f t y) ⊖ rho • (z ⊖ y).
Proof.
  intros f rho t z y. unfold dissipative. vector.
Qed.

(** μ(f − ρy) = μ(f) − ρ: neither side has a smaller constant than the other says. *)
Theorem one_sided_with_dissipation : forall f rho mu, one_sided (dissipative f rho) (mu - rho) <-> one_sided f mu.
Proof.
  assert (forall f rho t z y, ⟨dissipative f rho t z ⊖ dissipative f rho t y, z ⊖ y⟩
    = ⟨f t z ⊖ f t y, z ⊖ y⟩ - rho * (‖z ⊖ y‖ * ‖z ⊖ y‖)) as products.
  { intros f rho t z y. rewrite difference_with_dissipation, <- dot_is_norm_squared. set (e := z ⊖ y).
    rewrite dot_add_left, dot_opposite_left, dot_scale_left. ring. }
  intros f rho mu. split; intros constant t z y; pose proof (constant t z y) as bound.
  - rewrite products in bound. lra.
  - rewrite products. lra.
Qed.

Theorem lipschitz_with_dissipation : forall f rho K,
  0 <= rho -> lipschitz E f K -> lipschitz E (dissipative f rho) (K + rho).
Proof.
  intros f rho K nonnegative constant t z y. rewrite difference_with_dissipation.
  apply Rle_trans with (‖f t z ⊖ f t y‖ + ‖opposite (rho • (z ⊖ y))‖); [apply norm_triangle|].
  rewrite norm_opposite, norm_scale, Rabs_right by lra. pose proof (constant t z y). lra.
Qed.

End OneSided.
