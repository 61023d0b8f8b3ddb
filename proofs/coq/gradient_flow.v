(** * Gradient flows of convex potentials

    Statement.   f(y) = −Wᵀσ(Wy + b) with σ nondecreasing and 1-Lipschitz has μ ≤ 0 and K ≤ β = ‖W‖², and is
                 cocoercive: ‖Δf‖² ≤ −β⟨Δf, e⟩. Between any two states −Δf lies between 0 and β, and with −ρy added
                 between ρ and β + ρ, in the sense of [secants_between]. A symmetric S with m ≤ S ≤ K has secants
                 between m and K.
    Assumptions. any two inner product spaces; W additive with an adjoint Wᵀ and ‖Wu‖ ≤ w‖u‖, w ≥ 0, β = w²;
                 ⟨σu − σv, u − v⟩ ≥ ‖σu − σv‖², which is derived for σ that acts on each component of ℝ^n as a
                 nondecreasing 1-Lipschitz function
    Source.      theory, section 3; Meunier et al., ICML 2022
    Verdict.     proved as stated
    Theorems.    componentwise_is_firm, gradient_flow_is_cocoercive, gradient_flow_one_sided, gradient_flow_lipschitz,
                 gradient_flow_secants, secants_with_dissipation, secants_of_symmetric *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import normed_space inner_product_space product_space theorem_3_1 one_sided.
Open Scope R_scope.
Open Scope vector_scope.

(** ** The activation *)

(** ⟨σu − σv, u − v⟩ ≥ ‖σu − σv‖² *)
Definition firm (E : InnerProductSpace) (sigma : E -> E) : Prop :=
  forall u v, ‖sigma u ⊖ sigma v‖ * ‖sigma u ⊖ sigma v‖ <= ⟨sigma u ⊖ sigma v, u ⊖ v⟩.

(** On the line: σa − σb lies between 0 and a − b. *)
Lemma monotone_is_firm : forall sigma : R -> R,
  (forall a b, a <= b -> sigma a <= sigma b) -> (forall a b, Rabs (sigma a - sigma b) <= Rabs (a - b)) ->
  firm real_line sigma.
Proof.
  intros sigma nondecreasing slope u v. rewrite <- dot_is_norm_squared. simpl.
  change (u + - v) with (u - v). change (sigma u + - sigma v) with (sigma u - sigma v).
  pose proof (slope u v) as bound. destruct (Rle_dec u v) as [less|more].
  - pose proof (nondecreasing u v less). rewrite !Rabs_left1 in bound by lra. nra.
  - pose proof (nondecreasing v u ltac:(lra)). rewrite !Rabs_right in bound by lra. nra.
Qed.

(** Component by component, on a product. *)
Lemma pair_is_firm : forall (E F : InnerProductSpace) (sigma : E -> E) (tau : F -> F),
  firm E sigma -> firm F tau ->
  firm (product_space E F) (fun u : product_space E F => (sigma (fst u), tau (snd u))).
Proof.
  intros E F sigma tau first second u v. rewrite <- dot_is_norm_squared. simpl. unfold pair_dot. simpl.
  rewrite !dot_is_norm_squared. apply Rplus_le_compat; [apply first|apply second].
Qed.

(** ℝ^{n+1} as ℝ × (ℝ × …), and σ_0, …, σ_n on its components: Σ (σa_i − σb_i)(a_i − b_i) ≥ Σ (σa_i − σb_i)². *)
Fixpoint power_space (n : nat) : InnerProductSpace :=
  match n with
  | O => real_line
  | S before => product_space real_line (power_space before)
  end.

Fixpoint componentwise (sigma : nat -> R -> R) (n : nat) : power_space n -> power_space n :=
  match n return power_space n -> power_space n with
  | O => sigma O
  | S before => fun u : product_space real_line (power_space before) =>
      (sigma n (fst u), componentwise sigma before (snd u))
  end.

Theorem componentwise_is_firm : forall sigma : nat -> R -> R,
  (forall i a b, a <= b -> sigma i a <= sigma i b) ->
  (forall i a b, Rabs (sigma i a - sigma i b) <= Rabs (a - b)) ->
  forall n, firm (power_space n) (componentwise sigma n).
Proof.
  intros sigma nondecreasing slope n. induction n as [|n step].
  - exact (monotone_is_firm (sigma O) (nondecreasing O) (slope O)).
  - apply (pair_is_firm real_line (power_space n) (sigma (S n))); [|exact step].
    exact (monotone_is_firm (sigma (S n)) (nondecreasing (S n)) (slope (S n))).
Qed.

(** ReLU is such a function. *)
Lemma rectifier_is_monotone : forall a b, a <= b -> Rmax 0 a <= Rmax 0 b.
Proof.
  intros a b order. unfold Rmax. destruct (Rle_dec 0 a); destruct (Rle_dec 0 b); lra.
Qed.

Lemma rectifier_has_slopes_to_one : forall a b, Rabs (Rmax 0 a - Rmax 0 b) <= Rabs (a - b).
Proof.
  intros a b. unfold Rmax, Rabs.
  destruct (Rle_dec 0 a); destruct (Rle_dec 0 b); repeat destruct (Rcase_abs _); lra.
Qed.

(** ** Fields whose secants lie between m and K *)

Section Secants.

Variable E : InnerProductSpace.

(** ⟨Ke + Δf, −Δf − me⟩ ≥ 0: what Δf = −Se with a symmetric S, m ≤ S ≤ K, satisfies. *)
Definition secants_between (f : R -> E -> E) (m K : R) : Prop :=
  forall t z y, 0 <= ⟨K • (z ⊖ y) ⊕ (f t z ⊖ f t y), opposite (f t z ⊖ f t y) ⊖ m • (z ⊖ y)⟩.

Definition cocoercive (f : R -> E -> E) (beta : R) : Prop :=
  forall t z y, ‖f t z ⊖ f t y‖ * ‖f t z ⊖ f t y‖ <= - beta * ⟨f t z ⊖ f t y, z ⊖ y⟩.

(** With m = 0 the inequality is cocoercivity. *)
Lemma secants_from_zero : forall f K, secants_between f 0 K <-> cocoercive f K.
Proof.
  assert (forall (e d : E) K, ⟨K • e ⊕ d, opposite d ⊖ 0 • e⟩ = - K * ⟨d, e⟩ - ‖d‖ * ‖d‖) as expanded.
  { intros e d K. rewrite <- dot_is_norm_squared. expand_dot. rewrite (dot_symmetric _ e d). ring. }
  intros f K. split; intros between t z y; pose proof (between t z y) as product.
  - rewrite expanded in product. lra.
  - rewrite expanded. lra.
Qed.

(** −ρy moves the secants by ρ: neither factor changes. *)
Theorem secants_with_dissipation : forall f m K rho,
  secants_between f m K -> secants_between (dissipative E f rho) (m + rho) (K + rho).
Proof.
  intros f m K rho between t z y. rewrite difference_with_dissipation.
  pose proof (between t z y) as product. set (e := z ⊖ y) in *. set (d := f t z ⊖ f t y) in *.
  replace ((K + rho) • e ⊕ (d ⊖ rho • e)) with (K • e ⊕ d) by vector.
  replace (opposite (d ⊖ rho • e) ⊖ (m + rho) • e) with (opposite d ⊖ m • e) by vector. exact product.
Qed.

(** ⟨Ke + Δf, −Δf − me⟩ = −(K + m)⟨Δf, e⟩ − ‖Δf‖² − Km‖e‖², so −Δf lies in the ball around ½(K + m)e with
    radius ½(K − m)‖e‖. *)
Lemma secants_in_ball : forall f m K t z y, secants_between f m K ->
  let centred := (f t z ⊖ f t y) ⊕ ((K + m) / 2) • (z ⊖ y) in
  ‖centred‖ * ‖centred‖ <= (K - m) / 2 * ((K - m) / 2) * (‖z ⊖ y‖ * ‖z ⊖ y‖).
Proof.
  intros f m K t z y between centred. unfold centred. pose proof (between t z y) as product.
  set (e := z ⊖ y) in *. set (d := f t z ⊖ f t y) in *.
  rewrite <- !dot_is_norm_squared.
  revert product. expand_dot. rewrite (dot_symmetric _ e d). intro product. lra.
Qed.

Theorem secants_one_sided : forall f m K, m <= K -> secants_between f m K -> one_sided E f (- m).
Proof.
  intros f m K order between t z y. pose proof (secants_in_ball f m K t z y between) as ball. cbv zeta in ball.
  set (e := z ⊖ y) in *. set (d := f t z ⊖ f t y) in *. set (centred := d ⊕ ((K + m) / 2) • e) in *.
  pose proof (norm_nonnegative _ e) as size.
  (* ⟨Δf, e⟩ = ⟨centred, e⟩ − ½(K + m)‖e‖² ≤ ½(K − m)‖e‖² − ½(K + m)‖e‖² *)
  assert (‖centred‖ <= (K - m) / 2 * ‖e‖) as radius.
  { apply compare_squares; [apply Rmult_le_pos; lra|]. lra. }
  pose proof (cauchy_schwarz _ centred e) as product.
  unfold centred at 1 in product. rewrite dot_add_left, dot_scale_left, dot_is_norm_squared in product.
  pose proof (Rmult_le_compat_r _ _ _ size radius). lra.
Qed.

(** ‖Δf‖ ≤ ½(K − m)‖e‖ + ½(K + m)‖e‖ for m ≥ 0. *)
Theorem secants_lipschitz : forall f m K, 0 <= m -> m <= K -> secants_between f m K -> lipschitz E f K.
Proof.
  intros f m K nonnegative order between t z y.
  pose proof (secants_in_ball f m K t z y between) as ball. cbv zeta in ball.
  set (e := z ⊖ y) in *. set (d := f t z ⊖ f t y) in *. set (centred := d ⊕ ((K + m) / 2) • e) in *.
  pose proof (norm_nonnegative _ e).
  assert (‖centred‖ <= (K - m) / 2 * ‖e‖) as radius.
  { apply compare_squares; [apply Rmult_le_pos; lra|]. lra. }
  replace d with (centred ⊖ ((K + m) / 2) • e) by (unfold centred; vector).
  apply Rle_trans with (‖centred‖ + ‖opposite (((K + m) / 2) • e)‖); [apply norm_triangle|].
  rewrite norm_opposite, norm_scale, Rabs_right by lra. lra.
Qed.

(** Of a symmetric S between m and K, another one for every two states. With A = S − m, 0 ≤ A ≤ c = K − m:
    0 ≤ ⟨A(e − rAe), e − rAe⟩ for r = 1/c gives ‖Ae‖² ≤ c⟨Ae, e⟩. *)

Definition symmetric_between (S : E -> E) (m K : R) : Prop :=
  (forall u v, S (u ⊕ v) = S u ⊕ S v) /\ (forall a u, S (a • u) = a • S u) /\
  (forall u v, ⟨S u, v⟩ = ⟨u, S v⟩) /\
  (forall u, m * (‖u‖ * ‖u‖) <= ⟨S u, u⟩ <= K * (‖u‖ * ‖u‖)).

Theorem secants_of_symmetric : forall (f : R -> E -> E) m K,
  m <= K ->
  (forall t z y, exists S, symmetric_between S m K /\ f t z ⊖ f t y = opposite (S (z ⊖ y))) ->
  secants_between f m K.
Proof.
  intros f m K order field t z y.
  destruct (field t z y) as [S [[adds [scales [symmetric within]]] difference]]. rewrite difference. set (e := z ⊖ y).
  set (A := fun u : E => S u ⊖ m • u).
  assert (forall u, 0 <= ⟨A u, u⟩) as nonnegative.
  { intro u. unfold A. rewrite dot_add_left, dot_opposite_left, dot_scale_left, dot_is_norm_squared.
    pose proof (within u). lra. }
  assert (forall u, ⟨A u, u⟩ <= (K - m) * (‖u‖ * ‖u‖)) as bounded.
  { intro u. unfold A. rewrite dot_add_left, dot_opposite_left, dot_scale_left, dot_is_norm_squared.
    pose proof (within u). lra. }
  assert (forall u v, ⟨A u, v⟩ = ⟨u, A v⟩) as exchange.
  { intros u v. unfold A. expand_dot. rewrite symmetric. ring. }
  assert (forall u r v, A (u ⊕ r • v) = A u ⊕ r • A v) as linear.
  { intros u r v. unfold A. rewrite adds, scales. vector. }
  (* 0 ≤ ⟨Ae, e⟩ − 2r‖Ae‖² + r²⟨AAe, Ae⟩ *)
  assert (forall r, 0 <= ⟨A e, e⟩ - 2 * r * ⟨A e, A e⟩ + r * r * ⟨A (A e), A e⟩) as form.
  { intro r. pose proof (nonnegative (e ⊕ (- r) • A e)) as square.
    rewrite linear, dot_add_left, !dot_add_right, !dot_scale_left, !dot_scale_right, (exchange (A e) e) in square.
    lra. }
  assert (⟨A e, A e⟩ <= (K - m) * ⟨A e, e⟩) as contraction.
  { pose proof (bounded (A e)) as outer. rewrite <- dot_is_norm_squared in outer.
    pose proof (nonnegative e) as inner.
    assert (0 <= ⟨A e, A e⟩) by (rewrite dot_is_norm_squared; apply norm_squared_nonnegative).
    destruct (Req_dec K m) as [same|differ].
    - (* ⟨Ae, e⟩ = 0 and ⟨AAe, Ae⟩ ≤ 0 *)
      pose proof (form 1). pose proof (bounded e) as none. subst K. lra.
    - assert (0 < K - m) as room by lra.
      pose proof (form (/ (K - m))) as best.
      pose proof (Rinv_0_lt_compat _ room) as inverse.
      pose proof (Rmult_le_compat_l (/ (K - m) * / (K - m)) _ _ ltac:(nra) outer) as scaled.
      replace (/ (K - m) * / (K - m) * ((K - m) * ⟨A e, A e⟩)) with (/ (K - m) * ⟨A e, A e⟩) in scaled by (field; lra).
      apply Rmult_le_reg_l with (/ (K - m)); [assumption|].
      rewrite <- Rmult_assoc, Rinv_l by lra. lra. }
  replace (K • e ⊕ opposite (S e)) with ((K - m) • e ⊖ A e) by (unfold A; vector).
  replace (opposite (opposite (S e)) ⊖ m • e) with (A e) by (unfold A; vector).
  rewrite dot_add_left, dot_opposite_left, dot_scale_left, (dot_symmetric _ e (A e)). lra.
Qed.

End Secants.

(** ** f(y) = −Wᵀσ(Wy + b) *)

Section GradientFlow.

Variables E F : InnerProductSpace.
Variable W : E -> F.
Variable Wt : F -> E.
Variable b : F.
Variable sigma : F -> F.
Variable w : R.
Hypothesis W_differences : forall u v, W (u ⊖ v) = W u ⊖ W v.
Hypothesis adjoint : forall u v, ⟨W u, v⟩ = ⟨u, Wt v⟩.
Hypothesis w_nonnegative : 0 <= w.
Hypothesis W_bounded : forall u, ‖W u‖ <= w * ‖u‖.
Hypothesis sigma_firm : firm F sigma.

Definition gradient_flow (t : R) (y : E) : E := opposite (Wt (sigma (W y ⊕ b))).

(** ‖Wᵀv‖² = ⟨WWᵀv, v⟩ ≤ w‖Wᵀv‖‖v‖ *)
Lemma adjoint_bounded : forall v, ‖Wt v‖ <= w * ‖v‖.
Proof.
  intro v. pose proof (cauchy_schwarz _ (W (Wt v)) v) as product. rewrite adjoint, dot_is_norm_squared in product.
  pose proof (norm_nonnegative _ v) as size.
  pose proof (Rmult_le_compat_r _ _ _ size (W_bounded (Wt v))) as bound.
  destruct (norm_nonnegative _ (Wt v)) as [more|null].
  - apply Rmult_le_reg_r with (‖Wt v‖); [assumption|]. lra.
  - rewrite <- null. apply Rmult_le_pos; assumption.
Qed.

(** The difference of the sides is at right angles to everything. *)
Lemma adjoint_differences : forall u v, Wt (u ⊖ v) = Wt u ⊖ Wt v.
Proof.
  intros u v. set (d := Wt (u ⊖ v) ⊖ (Wt u ⊖ Wt v)).
  assert (‖d‖ * ‖d‖ = 0) as null.
  { rewrite <- dot_is_norm_squared. unfold d at 2.
    rewrite !dot_add_right, !dot_opposite_right, !dot_add_right, !dot_opposite_right, <- !adjoint,
      dot_add_right, dot_opposite_right. ring. }
  apply Rmult_integral in null. assert (d = zero) as same by (apply norm_separates; tauto).
  replace (Wt (u ⊖ v)) with (d ⊕ (Wt u ⊖ Wt v)) by (unfold d; vector). rewrite same. vector.
Qed.

(** Δf = −Wᵀd with d = σ(Wz + b) − σ(Wy + b): −⟨Δf, e⟩ = ⟨d, We⟩ ≥ ‖d‖² ≥ ‖Wᵀd‖²/β. *)
Theorem gradient_flow_is_cocoercive : cocoercive E gradient_flow (w * w).
Proof.
  intros t z y. unfold gradient_flow.
  set (p := W z ⊕ b). set (q := W y ⊕ b).
  replace (opposite (Wt (sigma p)) ⊖ opposite (Wt (sigma q))) with (opposite (Wt (sigma p) ⊖ Wt (sigma q))) by vector.
  rewrite <- adjoint_differences, norm_opposite, dot_opposite_left.
  set (d := sigma p ⊖ sigma q).
  rewrite dot_symmetric, <- adjoint, dot_symmetric.
  assert (‖d‖ * ‖d‖ <= ⟨d, W (z ⊖ y)⟩) as products.
  { pose proof (sigma_firm p q) as slopes. fold d in slopes.
    replace (p ⊖ q) with (W (z ⊖ y)) in slopes; [exact slopes|]. rewrite W_differences. unfold p, q. vector. }
  pose proof (adjoint_bounded d) as bound.
  pose proof (Rmult_le_compat _ _ _ _ (norm_nonnegative _ _) (norm_nonnegative _ _) bound bound) as squares.
  pose proof (Rmult_le_compat_l (w * w) _ _ ltac:(nra) products). lra.
Qed.

Corollary gradient_flow_secants : secants_between E gradient_flow 0 (w * w).
Proof.
  apply secants_from_zero, gradient_flow_is_cocoercive.
Qed.

Corollary gradient_flow_one_sided : one_sided E gradient_flow 0.
Proof.
  replace 0 with (- 0) by ring. apply (secants_one_sided E gradient_flow 0 (w * w)); [nra|].
  apply gradient_flow_secants.
Qed.

Corollary gradient_flow_lipschitz : lipschitz E gradient_flow (w * w).
Proof.
  apply (secants_lipschitz E gradient_flow 0 (w * w)); [lra|nra|apply gradient_flow_secants].
Qed.

End GradientFlow.
